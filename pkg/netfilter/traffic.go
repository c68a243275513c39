// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// Traffic is the sum of the counters of rules, by what the rules do to the source
// address. The kernel consults NAT rules once per connection, so each counted
// packet is the first of a connection.
type Traffic struct{ Kept, Masqueraded Count }

func (c Count) plus(o Count) Count { return Count{c.Packets + o.Packets, c.Bytes + o.Bytes} }

// Add adds the counter of a rule with the given action.
func (t *Traffic) Add(a Action, c Count) {
	switch a {
	case Return, Accept:
		t.Kept = t.Kept.plus(c)
	case Masquerade:
		t.Masqueraded = t.Masqueraded.plus(c)
	}
}

// Meter turns the kernel's counters, which restart from zero when rules are
// rewritten, into totals that never decrease.
type Meter struct {
	total Traffic
	last  Traffic // the kernel's counters when they were last read
}

// Read records the current counters of the kernel and returns the total.
func (m *Meter) Read(now Traffic) Traffic {
	m.total.Kept = m.total.Kept.plus(since(m.last.Kept, now.Kept))
	m.total.Masqueraded = m.total.Masqueraded.plus(since(m.last.Masqueraded, now.Masqueraded))
	m.last = now
	return m.total
}

// Rewritten records that the kernel's counters restarted from zero.
func (m *Meter) Rewritten() { m.last = Traffic{} }

// Total returns the total as of the last Read.
func (m *Meter) Total() Traffic { return m.total }

// since returns what was counted after last. A counter that decreased was reset
// by another program, so its whole value is new.
func since(last, now Count) Count {
	if now.Packets < last.Packets || now.Bytes < last.Bytes {
		return now
	}
	return Count{Packets: now.Packets - last.Packets, Bytes: now.Bytes - last.Bytes}
}
