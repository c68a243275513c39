// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// The user's page shows this configuration, and "iptables -t nat -L IP-MASQ"
// as the way to check it on a node.
const pageConfig = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`

func TestPageConfig(t *testing.T) {
	eachNode(t, func(n *node) {
		n.config.write(n.t, pageConfig)
		p := n.start()
		want := []string{
			`-N IP-MASQ`,
			`-A IP-MASQ -d 169.254.0.0/16 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
			`-A IP-MASQ -d 198.15.5.0/24 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
			`-A IP-MASQ -d 10.0.0.0/8 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
			`-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`,
		}
		listed := []string{"RETURN 169.254.0.0/16", "RETURN 198.15.5.0/24", "RETURN 10.0.0.0/8", "MASQUERADE 0.0.0.0/0"}
		if n.family == "IPv6" { // the page's ranges are all IPv4
			want = []string{
				`-N IP-MASQ`,
				`-A IP-MASQ -d fe80::/10 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`,
				`-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`,
			}
			listed = []string{"RETURN fe80::/10", "MASQUERADE ::/0"}
		}
		n.wait(want)
		if n.nftables() { // the page's command shows nothing there, see the README
			n.checkListed()
		} else if diff := cmp.Diff(listed, destinations(n.iptables("-n", "-L", "IP-MASQ"))); diff != "" {
			n.t.Errorf("%s -t nat -L IP-MASQ (-want +got):\n%s", netns.Command(n.backend, n.family), diff)
		}
		// The host bits are the page's own; the operator is told once.
		p.WaitLog("198.15.5.92/24", "198.15.5.0/24")
	})
}

// checkListed checks what the README's command shows on nftables.
func (n *node) checkListed() {
	n.t.Helper()
	list := n.rules.List(n.t)
	elements := []string{"10.0.0.0/8 : goto kept", "169.254.0.0/16 : goto kept", "198.15.5.0/24 : goto kept"}
	if n.family == "IPv6" {
		elements = []string{"fe80::/10 : goto kept"}
	}
	for _, e := range append(elements, "type nat hook postrouting priority srcnat + 5; policy accept;", "masquerade fully-random") {
		if !strings.Contains(list, e) {
			n.t.Errorf("nft list table %s ip-masq-agent has no %q:\n%s", n.pick("ip", "ip6"), e, list)
		}
	}
}

// destinations reads target and destination of each rule that -L prints.
func destinations(list string) (rules []string) {
	rule := regexp.MustCompile(`^(\w+) +(?:\w+ +)?(?:-- +)?(?:\S+) +(\S+) +/\*`)
	for line := range strings.Lines(list) {
		if m := rule.FindStringSubmatch(line); m != nil {
			rules = append(rules, m[1]+" "+m[2])
		}
	}
	return rules
}
