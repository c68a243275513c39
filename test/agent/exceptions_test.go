// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
)

// exceptionRule returns the rule that masquerades the exception cidr.
func exceptionRule(cidr string) string {
	return `-A IP-MASQ -d ` + cidr + ` -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -j MASQUERADE --random-fully`
}

// TestExceptions adds, changes and removes exceptions. The chain must be as
// documented, and the longest prefix must decide about the packets.
func TestExceptions(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		private, public := n.byFamily("10.9.0.0/16", "fd00:9::/32"), n.byFamily("203.0.113.0/24", "2001:db8:7::/48")
		around, all := n.byFamily("10.0.0.0/8", "fd00::/16"), n.byFamily("0.0.0.0/0", "::/0")
		one := n.byFamily("10.9.0.9/32", "fd00:9::9/128")
		local := returnRule(n.byFamily("169.254.0.0/16", "fe80::/10"))
		anything := `-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`

		w.startRight("nonMasqueradeCIDRs: ['"+around+"']\n", []string{"-N IP-MASQ", local, returnRule(around), last})
		w.waitSource(w.podAddr, w.privateAddr())

		steps := []struct {
			name            string
			keep, except    string // elements of the lists
			chain           []string
			private, public bool // whether the address is masqueraded
		}{
			{"a range except one exception", around, private,
				[]string{local, exceptionRule(private), returnRule(around), last}, true, true},
			{"an address inside the exception is kept", around + "', '" + one, private,
				[]string{local, returnRule(one), exceptionRule(private), returnRule(around), last}, false, true},
			{"only one range is masqueraded", all, public,
				[]string{local, exceptionRule(public), anything, last}, false, true},
			{"only the other range is masqueraded", all, private,
				[]string{local, exceptionRule(private), anything, last}, true, false},
			{"both ranges are masqueraded", all, public + "', '" + private,
				[]string{local, exceptionRule(public), exceptionRule(private), anything, last}, true, true},
		}
		for _, s := range steps {
			n.config.write(n.t, "nonMasqueradeCIDRs: ['"+s.keep+"']\nmasqueradeCIDRs: ['"+s.except+"']\n")
			n.wait(append([]string{"-N IP-MASQ"}, s.chain...))
			for addr, masqueraded := range map[string]bool{w.privateAddr(): s.private, w.publicAddr(): s.public} {
				want := w.podAddr
				if masqueraded {
					want = w.nodeAddr
				}
				if got := w.fromPod(addr).Addr(); got != want {
					n.t.Errorf("%s: %s sees %s, want %s", s.name, addr, got, want)
				}
			}
		}
		n.config.write(n.t, "nonMasqueradeCIDRs: ['"+around+"']\n") // no exceptions again
		n.wait([]string{"-N IP-MASQ", local, returnRule(around), last})
		w.waitSource(w.podAddr, w.privateAddr())
	})
}

// TestExceptionInsideLinkLocal masquerades only one link-local address.
func TestExceptionInsideLinkLocal(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		one := n.byFamily("169.254.169.254/32", "fe80::9/128")
		w.startRight("nonMasqueradeCIDRs: []\nmasqueradeCIDRs: ['"+one+"']\n",
			[]string{"-N IP-MASQ", exceptionRule(one), returnRule(n.byFamily("169.254.0.0/16", "fe80::/10")), last})
		if source, kept := w.toLinkLocal(); source == kept {
			n.t.Errorf("%s sees %s, which the exception should have masqueraded", one, source)
		}
	})
}

// TestExceptionUsesThePorts checks that an exception uses the ports of
// --to-ports, like the last rule.
func TestExceptionUsesThePorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		n.config.write(n.t, n.byFamily("nonMasqueradeCIDRs: [0.0.0.0/0]\nmasqueradeCIDRs: [203.0.113.0/24]\n",
			"nonMasqueradeCIDRs: ['::/0']\nmasqueradeCIDRs: ['2001:db8:7::/48']\n"))
		n.start("--to-ports=2001-2100")
		w.waitSource(w.nodeAddr, w.publicAddr())
		w.waitSource(w.podAddr, w.privateAddr())
		for range 20 {
			if port := w.fromPod(w.publicAddr()).Port(); port < 2001 || port > 2100 {
				n.t.Errorf("port %d is not in --to-ports", port)
			}
		}
	})
}
