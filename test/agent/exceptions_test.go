// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
)

// except is the rule that masquerades cidr, an exception.
func except(cidr string) string {
	return `-A IP-MASQ -d ` + cidr + ` -m comment --comment "ip-masq-agent: this range is subject to MASQUERADE" -j MASQUERADE --random-fully`
}

// TestExceptions adds, moves and removes exceptions while connections go on:
// the chain is as documented, and the packets are as the longest prefix says.
func TestExceptions(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		private, public := n.pick("10.9.0.0/16", "fd00:9::/32"), n.pick("203.0.113.0/24", "2001:db8:7::/48")
		around, all := n.pick("10.0.0.0/8", "fd00::/16"), n.pick("0.0.0.0/0", "::/0")
		one := n.pick("10.9.0.9/32", "fd00:9::9/128")
		local := keep(n.pick("169.254.0.0/16", "fe80::/10"))
		anything := `-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`

		w.startRight("nonMasqueradeCIDRs: ['"+around+"']\n", []string{"-N IP-MASQ", local, keep(around), last})
		w.sees(w.podAddr, w.privateAddr())

		steps := []struct {
			name            string
			keep, except    string // lists
			chain           []string
			private, public bool // masqueraded
		}{
			{"everything around, except one range", around, private,
				[]string{local, except(private), keep(around), last}, true, true},
			{"an address inside the exception is kept", around + "', '" + one, private,
				[]string{local, keep(one), except(private), keep(around), last}, false, true},
			{"only one range is masqueraded", all, public,
				[]string{local, except(public), anything, last}, false, true},
			{"only the other one", all, private,
				[]string{local, except(private), anything, last}, true, false},
			{"both", all, public + "', '" + private,
				[]string{local, except(public), except(private), anything, last}, true, true},
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
		n.config.write(n.t, "nonMasqueradeCIDRs: ['"+around+"']\n") // and none again
		n.wait([]string{"-N IP-MASQ", local, keep(around), last})
		w.sees(w.podAddr, w.privateAddr())
	})
}

// TestExceptionInsideLinkLocal masquerades one link-local address alone.
func TestExceptionInsideLinkLocal(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		one := n.pick("169.254.169.254/32", "fe80::9/128")
		w.startRight("nonMasqueradeCIDRs: []\nmasqueradeCIDRs: ['"+one+"']\n",
			[]string{"-N IP-MASQ", except(one), keep(n.pick("169.254.0.0/16", "fe80::/10")), last})
		if source, kept := w.toLinkLocal(); source == kept {
			n.t.Errorf("%s sees %s, which the exception should have masqueraded", one, source)
		}
	})
}

// TestExceptionTakesThePorts: an exception masquerades as the last rule does.
func TestExceptionTakesThePorts(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newWorld(n)
		n.config.write(n.t, n.pick("nonMasqueradeCIDRs: [0.0.0.0/0]\nmasqueradeCIDRs: [203.0.113.0/24]\n",
			"nonMasqueradeCIDRs: ['::/0']\nmasqueradeCIDRs: ['2001:db8:7::/48']\n"))
		n.start("--to-ports=2001-2100")
		w.sees(w.nodeAddr, w.publicAddr())
		w.sees(w.podAddr, w.privateAddr())
		for range 20 {
			if port := w.fromPod(w.publicAddr()).Port(); port < 2001 || port > 2100 {
				n.t.Errorf("port %d is not of --to-ports", port)
			}
		}
	})
}
