// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"errors"
	"io/fs"
	"testing"

	"ip-masq-agent/test/netns"
)

func TestForwardsIPv6(t *testing.T) {
	denied := errors.New("denied")
	for _, tt := range []struct {
		text     string
		err      error
		forwards bool
		why      string
		wantErr  error
	}{
		{"0\n", nil, false, "the node does not forward IPv6 (net.ipv6.conf.all.forwarding is 0)", nil},
		{"1\n", nil, true, "the node forwards IPv6 (net.ipv6.conf.all.forwarding is 1)", nil},
		{"2\n", nil, true, "the node forwards IPv6 (net.ipv6.conf.all.forwarding is 2)", nil},
		{"", &fs.PathError{Err: fs.ErrNotExist}, false, "the kernel has no IPv6", nil},
		{"", denied, false, "", denied},
	} {
		forwards, why, err := forwardsIPv6(tt.text, tt.err)
		if forwards != tt.forwards || why != tt.why || !errors.Is(err, tt.wantErr) {
			t.Errorf("%q, %v: %v, %q, %v", tt.text, tt.err, forwards, why, err)
		}
	}
}

func TestForwardsIPv6InTheKernel(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		here := netns.Here(t)
		for value, want := range map[string]bool{"0": false, "1": true} {
			here.Sysctl(t, "net/ipv6/conf/all/forwarding", value)
			if got, why, err := ForwardsIPv6(); got != want || err != nil {
				t.Errorf("forwarding is %s: %v, %q, %v", value, got, why, err)
			}
		}
	})
}
