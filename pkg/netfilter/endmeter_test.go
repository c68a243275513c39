// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import "testing"

// TestEndMeter reads what jumps and rules counted, and expects what reached the
// end of the chain. Each packet has 100 bytes.
func TestEndMeter(t *testing.T) {
	type step struct {
		entered, counted uint64
		rewritten, stop  bool // before the reading
		want             uint64
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"nothing is known of what was before", []step{{entered: 50, counted: 10, want: 0}, {entered: 60, counted: 15, want: 5}}},
		{"all match", []step{{}, {entered: 7, counted: 7, want: 0}}},
		{"none match", []step{{}, {entered: 7, want: 7}, {entered: 9, want: 9}}},
		{"a packet between the two readings", []step{{}, {entered: 3, counted: 2, want: 1}, {entered: 3, counted: 3, want: 1}, {entered: 5, counted: 3, want: 2}}},
		{"the rules are rewritten", []step{{entered: 10, counted: 8}, {entered: 12, counted: 1, rewritten: true, want: 1}, {entered: 20, counted: 1, want: 9}}},
		{"another program flushes the rules", []step{{entered: 10, counted: 8}, {entered: 14, counted: 1, want: 3}}},
		{"another program replaces the jump", []step{{entered: 10, counted: 8}, {entered: 3, counted: 9, want: 2}}},
		{"a jump without a counter", []step{{}, {counted: 9, want: 0}, {counted: 20, want: 0}, {entered: 4, counted: 21, want: 3}}},
		{"stopped", []step{{}, {entered: 5, want: 5}, {entered: 90, stop: true, want: 5}, {entered: 91, want: 6}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m EndMeter
			of := func(n uint64) Count { return Count{Packets: n, Bytes: 100 * n} }
			for i, s := range tt.steps {
				if s.stop {
					m.Stop()
				}
				if s.rewritten {
					m.Rewritten()
				}
				m.Read(of(s.entered), of(s.counted))
				if got := m.Total(); got != of(s.want) {
					t.Errorf("after reading %d the total is %+v, want %d packets", i+1, got, s.want)
				}
			}
		})
	}
}
