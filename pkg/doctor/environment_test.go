// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestIPv6(t *testing.T) {
	tests := []struct {
		node Node
		want string
	}{
		{Node{IPv6: true, Forwards: true, IPv6Address: true}, "ok: --enable-ipv6 is on"},
		{Node{IPv6: true, AutoIPv6: true}, "ok: --enable-ipv6=auto has enabled IPv6"},
		{Node{AutoIPv6: true, IPv6Address: true}, "ok: the node does not forward IPv6, so --enable-ipv6=auto leaves IPv6 off"},
		{Node{AutoIPv6: true, Forwards: true}, "warning: the node forwards IPv6, but the agent (--enable-ipv6=auto) has not enabled IPv6"},
		{Node{IPv6Address: true}, "ok: the node does not forward IPv6, and --enable-ipv6 is off"},
		{Node{Forwards: true}, "info: the node forwards IPv6 while --enable-ipv6 is off, but has no IPv6 address itself"},
		{Node{Forwards: true, IPv6Address: true}, "warning: the node forwards IPv6 and has an IPv6 address, while --enable-ipv6 is off"},
		{Node{ForwardingErr: errors.New("denied")}, "unchecked: cannot tell whether the node forwards IPv6: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, summaries(checkIPv6(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestEBPFWithoutPermission tests the agent's container, which may not list programs
// at tcx. That is no problem of the node.
func TestEBPFWithoutPermission(t *testing.T) {
	n := node()
	n.EBPFErr = fmt.Errorf("asking for tcx programs of eth0: %w", unix.EPERM)
	got := checkEBPF(n)
	if len(got) != 1 || got[0].Severity != Info || !strings.HasSuffix(got[0].What, "asking for tcx programs of eth0: operation not permitted") {
		t.Errorf("%+v", got)
	}
}
