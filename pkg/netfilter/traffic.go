// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// Traffic is what rules counted, by what they do with the source address. NAT
// is decided once for each connection, so a packet counted is the first of a
// connection.
type Traffic struct{ Kept, Masqueraded Count }

func (c Count) plus(o Count) Count { return Count{c.Packets + o.Packets, c.Bytes + o.Bytes} }

// Add counts what a rule with an action counted.
func (t *Traffic) Add(a Action, c Count) {
	switch a {
	case Return, Accept:
		t.Kept = t.Kept.plus(c)
	case Masquerade:
		t.Masqueraded = t.Masqueraded.plus(c)
	}
}

// Meter turns the kernel's counters, which start again from zero when rules are
// rewritten, into totals that only grow.
type Meter struct {
	total Traffic
	last  Traffic // the kernel's counters when they were last read
}

// Read takes what the kernel's counters show now, and returns the total.
func (m *Meter) Read(now Traffic) Traffic {
	m.total.Kept = m.total.Kept.plus(since(m.last.Kept, now.Kept))
	m.total.Masqueraded = m.total.Masqueraded.plus(since(m.last.Masqueraded, now.Masqueraded))
	m.last = now
	return m.total
}

// Rewritten tells the meter that the kernel's counters started again from zero.
func (m *Meter) Rewritten() { m.last = Traffic{} }

// Total returns the total as of the last Read.
func (m *Meter) Total() Traffic { return m.total }

// since returns what was counted after last. A counter that went down was reset
// by something else, and what it shows was counted after that.
func since(last, now Count) Count {
	if now.Packets < last.Packets || now.Bytes < last.Bytes {
		return now
	}
	return Count{Packets: now.Packets - last.Packets, Bytes: now.Bytes - last.Bytes}
}
