// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

func src(p string) netfilter.Condition {
	return netfilter.SourceIn(netip.MustParsePrefix(p), false, "-s "+p)
}

// sourcesNode returns a node whose file has sourceCIDRs, with rules before and after
// the jump rule.
func sourcesNode(sources string, before, after []netfilter.Rule) Node {
	c := config.Default(config.Options{})
	c.Source = []netip.Prefix{netip.MustParsePrefix(sources)}
	want := masq.Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, c)
	n := node()
	n.Config, n.Want = c, map[netfilter.Family]iptables.Chain{netfilter.IPv4: want}
	chains := n.Rules.Tables[0].Chains
	chains["IP-MASQ"].Rules = nil
	for _, r := range want.Rules {
		chains["IP-MASQ"].Rules = append(chains["IP-MASQ"].Rules, kernelRule("IP-MASQ", r))
	}
	chains["POSTROUTING"].Rules = append(append(before, chains["POSTROUTING"].Rules...), after...)
	n.setRules(n.Rules.Tables...)
	return n
}

// TestContradictionsWithSources tests rules of other programs for traffic from inside
// and from outside sourceCIDRs.
func TestContradictionsWithSources(t *testing.T) {
	const fine = "ok: no rule of another program contradicts the file; "
	masquerade := to(netfilter.Masquerade)
	rules := func(r ...netfilter.Rule) []netfilter.Rule { return r }
	tests := []struct {
		name          string
		before, after []netfilter.Rule
		sources       string
		want          string
	}{
		{name: "no rule", want: fine},
		{name: "all traffic", after: rules(rule("-j MASQUERADE", masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, or from outside sourceCIDRs, is masqueraded; by the file it keeps the pod's address"},
		{name: "what the chain masquerades", after: rules(rule("-s 10.4.0.0/14 -d 8.8.8.0/24 -j MASQUERADE", src("10.4.0.0/14"), dst("8.8.8.0/24"), masquerade)), want: fine},
		{name: "some of the pods", after: rules(rule("-s 10.5.0.0/16 -d 10.0.0.0/8 -j MASQUERADE", src("10.5.0.0/16"), dst("10.0.0.0/8"), masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic from 10.5.0.0/16 to 10.0.0.0/8 is masqueraded; by the file it keeps the pod's address"},
		{name: "other sources", after: rules(rule("-s 172.17.0.0/16 -d 8.8.8.0/24 -j MASQUERADE", src("172.17.0.0/16"), dst("8.8.8.0/24"), masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic from 172.17.0.0/16 to 8.8.8.0/24 is masqueraded; by the file it keeps its source address"},
		{name: "one address beside the pods", after: rules(rule("-s 10.8.0.0/32 -d 8.8.8.0/24 -j MASQUERADE", src("10.8.0.0/32"), dst("8.8.8.0/24"), masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic from 10.8.0.0 to 8.8.8.0/24 is masqueraded; by the file it keeps its source address"},
		{name: "one destination", after: rules(rule("-d 8.8.8.0/24 -j MASQUERADE", dst("8.8.8.0/24"), masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic from outside sourceCIDRs to 8.8.8.0/24 is masqueraded; by the file it keeps its source address"},
		{name: "other sources are accepted", before: rules(rule("-s 172.17.0.0/16 -j ACCEPT", src("172.17.0.0/16"), to(netfilter.Accept))), want: fine},
		{name: "pods are accepted", before: rules(rule("-s 10.5.0.0/16 -j ACCEPT", src("10.5.0.0/16"), to(netfilter.Accept))),
			want: "warning: a rule of POSTROUTING, before the agent's jump rule, exempts traffic that the file masquerades; some traffic from 10.5.0.0/16, for example to 8.8.8.7, keeps the pod's address; by the file it is masqueraded"},
		{name: "no sources of the family", sources: "fd00::/64", after: rules(rule("-d 8.8.8.0/24 -j MASQUERADE", dst("8.8.8.0/24"), masquerade)),
			want: "warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade; some traffic from outside sourceCIDRs to 8.8.8.0/24 is masqueraded; by the file it keeps its source address"},
		{name: "no sources of the family, no rule", sources: "fd00::/64", want: fine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.sources == "" {
				tt.sources = "10.4.0.0/14"
			}
			var got []string
			for _, f := range checkForeignRules(sourcesNode(tt.sources, tt.before, tt.after)) {
				got = append(got, string(f.Severity)+": "+f.What+"; "+f.Consequence)
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourcesOfTheChain tests that while the file is invalid, the sources of the chain
// in the kernel count.
func TestSourcesOfTheChain(t *testing.T) {
	n := sourcesNode("10.4.0.0/14", nil, []netfilter.Rule{rule("-s 172.17.0.0/16 -d 8.8.8.0/24 -j MASQUERADE", src("172.17.0.0/16"), dst("8.8.8.0/24"), to(netfilter.Masquerade))})
	n.ConfigErr = &config.InvalidError{}
	n.Want = map[netfilter.Family]iptables.Chain{netfilter.IPv4: masq.Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, config.Default(config.Options{}))}
	want := []string{"warning: a rule of POSTROUTING, after the agent's jump rule, masquerades traffic that the file does not masquerade"}
	if diff := cmp.Diff(want, summaries(checkForeignRules(n))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManySources tests more sources than can be sent through the rules. Those of the
// file must be sent, and the number of the others must be reported.
func TestManySources(t *testing.T) {
	var many []netfilter.Rule
	for i := range 5000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}), 32).String()
		many = append(many, rule("-s "+p, src(p), to(netfilter.Masquerade)))
	}
	n := sourcesNode("10.4.0.0/14", nil, many)
	p := newProbes(&n, netfilter.IPv4, n.Want[netfilter.IPv4].Rules)
	if got := len(p.sources) * len(p.destinations); got*len(many) > 2*maxWork || p.omitted == 0 {
		t.Errorf("%d packets through %d rules, and %d addresses left out", got, len(many), p.omitted)
	}
	for _, a := range []string{"10.3.255.255", "10.4.0.0", "10.7.255.255", "10.8.0.0"} {
		found := false
		for _, source := range p.sources {
			found = found || source == netip.MustParseAddr(a)
		}
		if !found {
			t.Errorf("%s is not among the sources", a)
		}
	}
}
