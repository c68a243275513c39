// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"testing"

	"ip-masq-agent/test/netns"
)

func TestForwardingWatch(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		here := netns.Here(t)
		var w ForwardingWatch
		defer w.Close()
		for _, tt := range []struct {
			value string
			want  bool
		}{{"0", false}, {"1", true}, {"2", true}, {"0", false}, {"-1", true}} {
			here.Sysctl(t, "net/ipv6/conf/all/forwarding", tt.value)
			if got := w.Forwards(); got != tt.want {
				t.Errorf("forwarding is %s: Forwards() = %v, want %v", tt.value, got, tt.want)
			}
			if got, _, err := ForwardsIPv6(); got != tt.want || err != nil {
				t.Errorf("forwarding is %s: ForwardsIPv6() = %v, %v, want %v", tt.value, got, err, tt.want)
			}
		}
		if got := testing.AllocsPerRun(100, func() { w.Forwards() }); got > 0 {
			t.Errorf("a read takes %v allocations, want none", got)
		}
	})
}

// TestForwardingWatchOpensAgain closes the descriptor, so that a read fails once.
func TestForwardingWatchOpensAgain(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
		w := ForwardingWatch{open: true, fd: 1 << 20} // no such descriptor
		defer w.Close()
		if w.Forwards() {
			t.Error("a descriptor that is not open was read")
		}
		if !w.Forwards() {
			t.Error("the file was not opened again")
		}
	})
}
