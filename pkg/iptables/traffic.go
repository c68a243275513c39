// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

// Count is what one or more rules counted.
type Count struct{ Packets, Bytes uint64 }

func (c Count) plus(o Count) Count { return Count{c.Packets + o.Packets, c.Bytes + o.Bytes} }

// Traffic is what a chain's rules counted, by verdict. NAT is decided once per
// connection, so a packet is the first of a connection.
type Traffic struct{ Return, Masquerade Count }

// add counts what a rule with a target counted.
func (t *Traffic) add(target string, c Count) {
	switch target {
	case Return:
		t.Return = t.Return.plus(c)
	case Masquerade:
		t.Masquerade = t.Masquerade.plus(c)
	}
}

func (t Traffic) plus(o Traffic) Traffic {
	return Traffic{Return: t.Return.plus(o.Return), Masquerade: t.Masquerade.plus(o.Masquerade)}
}

// meter turns the kernel's counters, which every rewrite of the chain zeroes,
// into totals that only grow.
type meter struct {
	total Traffic
	last  Traffic // the kernel's counters when last read
}

func (m *meter) read(now Traffic) {
	m.total = m.total.plus(Traffic{
		Return:     since(m.last.Return, now.Return),
		Masquerade: since(m.last.Masquerade, now.Masquerade),
	})
	m.last = now
}

// rewritten tells that the kernel's counters began anew.
func (m *meter) rewritten() { m.last = Traffic{} }

// since is what came to a counter after last. A counter that went back was
// zeroed by somebody else in between, and what it shows came after that.
func since(last, now Count) Count {
	if now.Packets < last.Packets || now.Bytes < last.Bytes {
		return now
	}
	return Count{Packets: now.Packets - last.Packets, Bytes: now.Bytes - last.Bytes}
}
