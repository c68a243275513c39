// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMeter(t *testing.T) {
	packets := func(kept, masqueraded uint64) Traffic {
		return Traffic{Kept: Count{kept, 60 * kept}, Masqueraded: Count{masqueraded, 60 * masqueraded}}
	}
	steps := []struct {
		name              string
		rewritten         bool
		kept, masqueraded uint64 // in the kernel
		total             [2]uint64
	}{
		{name: "what the chain had counted before", kept: 10, masqueraded: 5, total: [2]uint64{10, 5}},
		{name: "some more", kept: 12, masqueraded: 5, total: [2]uint64{12, 5}},
		{name: "nothing", kept: 12, masqueraded: 5, total: [2]uint64{12, 5}},
		{name: "after an own write", rewritten: true, kept: 12, masqueraded: 0, total: [2]uint64{24, 5}},
		{name: "after somebody else's flush", kept: 1, masqueraded: 2, total: [2]uint64{25, 7}},
	}
	var m Meter
	for _, s := range steps {
		if s.rewritten {
			m.Rewritten()
		}
		m.Read(packets(s.kept, s.masqueraded))
		if diff := cmp.Diff(packets(s.total[0], s.total[1]), m.Total()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}

// TestMeterAfterAReset: packets and bytes are compared each for itself.
func TestMeterAfterAReset(t *testing.T) {
	for name, now := range map[string]Count{"fewer packets": {9, 2000}, "fewer bytes": {20, 999}} {
		var m Meter
		m.Read(Traffic{Kept: Count{10, 1000}})
		want := Count{10 + now.Packets, 1000 + now.Bytes}
		if got := m.Read(Traffic{Kept: now}).Kept; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestTrafficAdd(t *testing.T) {
	var got Traffic
	for i, a := range []Action{Return, Accept, Masquerade, SNAT, Jump, Drop, Other} {
		got.Add(a, Count{Packets: 1 << i, Bytes: 100 << i})
	}
	if diff := cmp.Diff(Traffic{Kept: Count{3, 300}, Masqueraded: Count{4, 400}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
