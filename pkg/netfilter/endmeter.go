// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// EndMeter counts the packets that reach the end of a chain. The kernel has no
// counter for them: they are the packets that jumps sent to the chain, less
// those that its rules counted. Counting starts with the first Read.
type EndMeter struct {
	total   Count
	started bool
	// The kernel's counters when they were last read.
	entered, counted Count
	// ahead is how much more the rules counted than the jumps. It is not zero if
	// packets passed between the reading of the two, and is made up for later.
	ahead Count
}

// Read takes what the jumps to the chain and the rules of the chain show now. The
// rules have to be read first: a packet is then never missing from the jumps.
func (m *EndMeter) Read(entered, counted Count) {
	// A native jump may have no counter.
	if m.started && (entered.Packets > 0 || counted.Packets == 0) {
		more := since(m.entered, entered)
		less := since(m.counted, counted).plus(m.ahead)
		if more.Packets >= less.Packets && more.Bytes >= less.Bytes {
			m.total = m.total.plus(Count{Packets: more.Packets - less.Packets, Bytes: more.Bytes - less.Bytes})
			m.ahead = Count{}
		} else {
			m.ahead = since(more, less)
		}
	} else {
		m.ahead = Count{}
	}
	m.started, m.entered, m.counted = true, entered, counted
}

// Rewritten tells the meter that the counters of the rules started again from
// zero. Those of the jumps did not.
func (m *EndMeter) Rewritten() { m.counted = Count{} }

// Stop ends the counting until the next Read, for a chain whose end no packet
// reaches.
func (m *EndMeter) Stop() { m.started = false }

// Total returns the total as of the last Read.
func (m *EndMeter) Total() Count { return m.total }
