// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

func rule(text string, steps ...netfilter.Step) netfilter.Rule {
	return netfilter.Rule{Text: text, Steps: steps}
}

func to(a netfilter.Action) netfilter.Verdict { return netfilter.Verdict{Action: a} }
func jump(chain string) netfilter.Verdict {
	return netfilter.Verdict{Action: netfilter.Jump, Chain: chain}
}
func dst(p string) netfilter.Condition {
	return netfilter.DestinationIn(netip.MustParsePrefix(p), false, "-d "+p)
}
func src(p string) netfilter.Condition {
	return netfilter.SourceIn(netip.MustParsePrefix(p), false, "-s "+p)
}
func unclear(text string) netfilter.Condition { return netfilter.NotUnderstood(text) }
func base(priority int, rules ...netfilter.Rule) *netfilter.Chain {
	return &netfilter.Chain{Base: true, Priority: priority, Policy: netfilter.Accept, Rules: rules}
}

func table(owner, family, name string, chains map[string]*netfilter.Chain) *netfilter.Table {
	for n, c := range chains {
		c.Name = n
	}
	return &netfilter.Table{Owner: owner, Family: family, Name: name, Chains: chains}
}

// notLocal returns -m addrtype ! --dst-type LOCAL.
func notLocal() netfilter.Condition {
	local := netfilter.Range{From: []byte{0, 0, 0, 2}, To: []byte{0, 0, 0, 2}}
	return netfilter.Condition{Key: []netfilter.Operand{{Field: netfilter.DestinationType, Length: 4}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{local}}}, Negated: true, Text: "! --dst-type LOCAL"}
}

// ownJump returns the agent's jump rule.
func ownJump() netfilter.Rule {
	return rule("-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ", notLocal(), jump("IP-MASQ"))
}

func ownChain(more ...netfilter.Rule) *netfilter.Chain {
	return &netfilter.Chain{Rules: append(more, rule("-A IP-MASQ -d 10.0.0.0/8 -j RETURN", dst("10.0.0.0/8"), to(netfilter.Return)),
		rule("-A IP-MASQ -j MASQUERADE", to(netfilter.Masquerade)))}
}

// nat returns iptables-nft's table with the agent's chain, and with rules before and
// after the jump rule.
func nat(before, after []netfilter.Rule) *netfilter.Table {
	rules := append(append(before, ownJump()), after...)
	return table(netfilter.OwnerNFTables, "ip", "nat", map[string]*netfilter.Chain{"POSTROUTING": base(100, rules...), "IP-MASQ": ownChain()})
}

func ask(src, dst string) Question {
	q := Question{Connection: predict.Connection{Destination: netip.MustParseAddr(dst), Route: host.Route{Type: netfilter.TypeUnicast, Device: netfilter.Interface{Name: "eth0", Index: 2}}}}
	if src != "" {
		q.Source = netip.MustParseAddr(src)
	}
	return q
}

// inKernel returns tables as the rules of a node whose agent has the chain IP-MASQ.
func inKernel(tables ...*netfilter.Table) predict.Rules {
	return predict.New(netfilter.Ruleset{Tables: tables}, "IP-MASQ")
}

func written(t *testing.T, a Answer) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, []Answer{a}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAgainst(t *testing.T) {
	rules := []iptables.Rule{{Comment: "c", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: iptables.Return}, {Comment: "c", Target: iptables.Masquerade}}
	q := ask("", "10.1.2.3")
	kernel := nat(nil, nil)
	kernel.Chains["IP-MASQ"].Rules = kernel.Chains["IP-MASQ"].Rules[1:]
	live := ByKernel(q, inKernel(kernel))
	got := live.Against(ByFile(q, Policy{From: "file", Chain: "IP-MASQ", Rules: rules}))
	want := `10.1.2.3: leaves with the node's address (masqueraded)
  because  no CIDR of the agent's rules contains it (kernel)
  rule     -A IP-MASQ -j MASQUERADE
  in       table ip nat, chain IP-MASQ
  DIFFERS  by the file it keeps the pod's address (not masqueraded), because 10.0.0.0/8 contains it
  rule     -A IP-MASQ -m comment --comment "c" -d 10.0.0.0/8 -j RETURN
`
	if diff := cmp.Diff(want, written(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Known() || !live.Known() {
		t.Errorf("known: %v with the file, %v without", got.Known(), live.Known())
	}
	same := live.Against(ByFile(q, Policy{From: "file", Chain: "IP-MASQ", Rules: rules[1:]}))
	if same.Differs {
		t.Errorf("differs: %+v", same)
	}
	if six := ByFile(ask("", "2001:db8::1"), Policy{From: "file", Chain: "IP-MASQ"}); six.Verdict != netfilter.Kept || !strings.Contains(six.Why, "--enable-ipv6") {
		t.Errorf("without a chain: %+v", six)
	}
}

// TestAgainstTable shows the file as the backend nftables has it.
func TestAgainstTable(t *testing.T) {
	c := config.Config{NonMasquerade: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	options := masq.Options{ChainName: "IP-MASQ"}
	spec := options.Table(netfilter.IPv4, c)
	p := Policy{From: "file", Chain: "IP-MASQ", Rules: options.Chain(netfilter.IPv4, c).Rules, Table: &spec}
	q := ask("", "10.1.2.3")
	other := table(netfilter.OwnerNFTables, "ip", "mine", map[string]*netfilter.Chain{"post": base(100, rule("add rule ip mine post masquerade", to(netfilter.Masquerade)))})
	want := `10.1.2.3: leaves with the node's address (masqueraded)
  because  a rule that is not the agent's decides (kernel)
  rule     add rule ip mine post masquerade
  in       table ip mine, chain post
  DIFFERS  by the file it keeps the pod's address (not masqueraded), because 10.0.0.0/8 contains it
  rule     10.0.0.0/8 : goto kept
  in       table ip ip-masq-agent, map destinations
`
	if diff := cmp.Diff(want, written(t, ByKernel(q, inKernel(other)).Against(ByFile(q, p)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReplacedDefault tests defaults that a list of the file replaced.
func TestReplacedDefault(t *testing.T) {
	defaults := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12")}
	masquerade := []iptables.Rule{{Comment: "c", Target: iptables.Masquerade}}
	tests := []struct {
		from, dst string
		list      []netip.Prefix
		want      string
	}{
		{"file", "172.16.1.1", defaults[:1], "172.16.0.0/12"},
		{"file", "8.8.8.8", defaults[:1], ""},
		{"file", "10.1.1.1", defaults[:1], ""}, // by an exception: the list still has it
		{"default", "172.16.1.1", defaults[:1], ""},
	}
	for _, tt := range tests {
		q := ask("", tt.dst)
		a := ByFile(q, Policy{From: tt.from, Chain: "IP-MASQ", Rules: masquerade}).ReplacedDefault(q, defaults, tt.list)
		if a.Overridden != tt.want {
			t.Errorf("%s of %s: %q, want %q", tt.dst, tt.from, a.Overridden, tt.want)
		}
	}
}
