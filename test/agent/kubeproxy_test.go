// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBesideKubeProxy has the nat table that kube-proxy writes for 2,000
// services with one endpoint each.
func TestBesideKubeProxy(t *testing.T) {
	eachNode(t, func(n *node) {
		n.restore(n.kubeProxyRules(2000))
		before := n.foreign()
		n.startRight(n.oneRange(), n.oneRangeChain())
		n.damage(n.rules.Flush)
		n.wait(n.oneRangeChain())
		n.damage(n.rules.Remove)
		n.wait(n.oneRangeChain())
		n.config.write(n.t, n.threeRanges())
		n.wait(n.threeRangesChain())
		if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(n.foreign(), "\n")); diff != "" {
			n.t.Errorf("kube-proxy's rules changed (-before +after):\n%s", diff)
		}
	})
}

// kubeProxyRules returns the rules of kube-proxy for a number of services as
// input of iptables-restore.
func (n *node) kubeProxyRules(services int) string {
	service := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", 96+i>>16, i>>8&255, i&255) }
	endpoint := func(i int) string { return fmt.Sprintf("10.244.%d.%d", i>>8&255, i&255) }
	bits, pods, at := 32, "10.244.0.0/16", "%s:%d"
	if n.family == "IPv6" {
		service = func(i int) string { return fmt.Sprintf("fd00:10:96::%x", i+1) }
		endpoint = func(i int) string { return fmt.Sprintf("fd00:10:244::%x", i+1) }
		bits, pods, at = 128, "fd00:10:244::/56", "[%s]:%d"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("*nat")
	line(":KUBE-SERVICES - [0:0]")
	line(":KUBE-POSTROUTING - [0:0]")
	line(":KUBE-MARK-MASQ - [0:0]")
	for i := range services {
		line(":KUBE-SVC-%016X - [0:0]", i)
		line(":KUBE-SEP-%016X - [0:0]", i)
	}
	line(`-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`)
	line(`-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`)
	line(`-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING`)
	line("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000")
	line("-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN")
	line("-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0")
	line("-A KUBE-POSTROUTING -j MASQUERADE --random-fully")
	for i := range services {
		ip, ep := service(i), endpoint(i)
		line(`-A KUBE-SERVICES -d %s/%d -p tcp -m comment --comment "ns/svc%d:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-%016X`, ip, bits, i, i)
		line(`-A KUBE-SVC-%016X ! -s %s -d %s/%d -p tcp -m comment --comment "ns/svc%d:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ`, i, pods, ip, bits, i)
		line(`-A KUBE-SVC-%016X -m comment --comment "ns/svc%d:http -> `+at+`" -j KUBE-SEP-%016X`, i, i, ep, 8080, i)
		line(`-A KUBE-SEP-%016X -s %s/%d -m comment --comment "ns/svc%d:http" -j KUBE-MARK-MASQ`, i, ep, bits, i)
		line(`-A KUBE-SEP-%016X -p tcp -m comment --comment "ns/svc%d:http" -m tcp -j DNAT --to-destination `+at, i, i, ep, 8080)
	}
	line("COMMIT")
	return b.String()
}
