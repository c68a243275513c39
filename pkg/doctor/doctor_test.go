// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// node returns a node without problems, with iptables-nft and IPv4, and with more
// rules of POSTROUTING after the jump rule.
func node(more ...netfilter.Rule) Node {
	c := config.Default(config.Options{})
	want := masq.Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, c)
	chain := &netfilter.Chain{Name: "IP-MASQ"}
	for _, r := range want.Rules {
		chain.Rules = append(chain.Rules, kernelRule("IP-MASQ", r))
	}
	entry := &netfilter.Chain{Name: "POSTROUTING", Base: true, Priority: 100, Rules: append([]netfilter.Rule{kernelRule("POSTROUTING", want.Jump)}, more...)}
	table := &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: "ip", Name: "nat", Chains: map[string]*netfilter.Chain{"IP-MASQ": chain, "POSTROUTING": entry}}
	n := Node{ChainName: "IP-MASQ", ConfigFile: "/etc/config/ip-masq-agent", Config: c, Backend: Backend{backend.IPTablesNFT, "asked"},
		Forwards: false, Mounts: hostMounts, Want: map[netfilter.Family]iptables.Chain{netfilter.IPv4: want}}
	n.setRules(table)
	return n
}

// setRules sets the tables of the node.
func (n *Node) setRules(tables ...*netfilter.Table) {
	n.Rules = predict.New(netfilter.Ruleset{Tables: tables}, "IP-MASQ")
	n.Chains = findChains(n.Rules.Ruleset, "IP-MASQ", nil)
}

// kernelRule returns a rule of the agent as it is read from the kernel.
func kernelRule(chain string, r iptables.Rule) netfilter.Rule {
	out := netfilter.Rule{Text: "-A " + chain + " " + r.String(), Comment: r.Comment}
	if r.NotLocal {
		out.Steps = append(out.Steps, notLocal())
	}
	if r.Source.IsValid() {
		out.Steps = append(out.Steps, netfilter.SourceIn(r.Source, false, "-s "+r.Source.String()))
	}
	if r.Destination.IsValid() {
		out.Steps = append(out.Steps, netfilter.DestinationIn(r.Destination, false, "-d "+r.Destination.String()))
	}
	verdict := netfilter.Verdict{Action: netfilter.Jump, Chain: r.Target}
	switch r.Target {
	case iptables.Return:
		verdict = netfilter.Verdict{Action: netfilter.Return}
	case iptables.Masquerade:
		verdict = netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: r.RandomFully}
	}
	out.Steps = append(out.Steps, verdict)
	return out
}

// notLocal returns -m addrtype ! --dst-type LOCAL.
func notLocal() netfilter.Condition {
	local := netfilter.Range{From: []byte{0, 0, 0, 2}, To: []byte{0, 0, 0, 2}}
	return netfilter.Condition{Key: []netfilter.Operand{{Field: netfilter.DestinationType, Length: 4}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{local}}}, Negated: true, Text: "! --dst-type LOCAL"}
}

func rule(text string, steps ...netfilter.Step) netfilter.Rule {
	return netfilter.Rule{Text: text, Steps: steps}
}

func to(a netfilter.Action) netfilter.Verdict { return netfilter.Verdict{Action: a} }

func dst(p string) netfilter.Condition {
	return netfilter.DestinationIn(netip.MustParsePrefix(p), false, "-d "+p)
}

// summaries returns the severity and the text of each finding.
func summaries(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, string(f.Severity)+": "+f.What)
	}
	return out
}

func TestExamineHealthy(t *testing.T) {
	if findings := Examine(node()); !Healthy(findings) {
		t.Errorf("%q", summaries(findings))
	}
	broken := Node{BackendErr: errors.New("no usable iptables"), FlowsErr: errors.New("denied"), Mounts: hostMounts, Forwards: false}
	if findings := Examine(broken); Healthy(findings) {
		t.Errorf("%q", summaries(findings))
	}
}

// TestUnchecked tests that what could not be read is reported, and that the other
// checks run.
func TestUnchecked(t *testing.T) {
	n := node()
	denied := errors.New("denied")
	n.Rules.Tables = append(n.Rules.Tables, netfilter.Unread(netfilter.OwnerLegacy, netfilter.IPv6, denied))
	n.Unread = []predict.Unread{{Backend: backend.IPTablesLegacy, Family: netfilter.IPv6, Err: denied}}
	n.FlowsErr, n.EBPFErr = denied, denied
	var got []string
	for _, f := range Examine(n) {
		if f.Severity != OK {
			got = append(got, string(f.Severity)+": "+f.What)
		}
	}
	want := []string{
		"unchecked: cannot tell whether chain IP-MASQ is in iptables-legacy too: denied",
		"unchecked: not certain that no other agent has a chain here: the IPv6 rules of iptables-legacy could not be read",
		"unchecked: not certain that no rule of another program contradicts the file: the IPv6 rules of iptables-legacy could not be read",
		"unchecked: cannot tell whether an eBPF program decides before the rules do: denied",
		"unchecked: cannot tell which connections follow old rules: denied",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPrintable tests that texts of other programs cannot add a line.
func TestPrintable(t *testing.T) {
	n := node(netfilter.Rule{Text: "-A POSTROUTING -m comment --comment \"a\nok  all is well\x1b[2J\" -j MASQUERADE", Steps: []netfilter.Step{to(netfilter.Masquerade)}})
	var b strings.Builder
	if err := Write(&b, Examine(n)); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "\x1b") || strings.Contains(got, "\nok  all") || !strings.Contains(got, `a\nok  all is well\x1b[2J`) {
		t.Errorf("printed %q", got)
	}
}

func TestDormant(t *testing.T) {
	n := node()
	n.Rules.Tables[0].Dormant = true
	want := []string{"error: table ip nat is dormant", "ok: chain IP-MASQ is as the file says, 5 rules", "ok: exactly one rule of POSTROUTING jumps to it"}
	if diff := cmp.Diff(want, summaries(checkRules(n))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
