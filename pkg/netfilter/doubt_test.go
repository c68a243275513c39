// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDoubts: an outcome names the conditions, of its rule and of the rules that
// jump to it, that cannot be judged, and why.
func TestDoubts(t *testing.T) {
	source := SourceIn(netip.MustParsePrefix("10.244.1.5/32"), false, "-s 10.244.1.5")
	mark := Condition{Text: "mark", Key: []Operand{{Field: Mark, Length: 4}}, Elements: []Element{{Key: []Range{{From: []byte{0, 0, 0, 1}, To: []byte{0, 0, 0, 1}}}}}}
	protocol := Condition{Text: "tcp", Key: []Operand{{Field: NetworkHeader, Offset: 9, Length: 1}}, Elements: []Element{{Key: []Range{{From: []byte{6}, To: []byte{6}}}}}}
	changing := source
	changing.Uncertain, changing.Text = true, "-s @set"
	postrouting := &Chain{Name: "POSTROUTING", Base: true, Priority: 100, Rules: []Rule{
		{Text: "jump", Steps: []Step{source, Verdict{Action: Jump, Chain: "inner"}}},
		{Text: "return", Steps: []Step{NotUnderstood("ct"), Verdict{Action: Return}}},
		{Text: "goto", Steps: []Step{changing, Verdict{Action: Goto, Chain: "inner"}}},
	}}
	inner := &Chain{Name: "inner", Rules: []Rule{
		{Text: "masquerade", Steps: []Step{mark, protocol, Verdict{Action: Masquerade}}},
		{Text: "end", Steps: []Step{Verdict{Action: Return}}},
	}}
	table := &Table{Family: "ip", Name: "nat", Chains: map[string]*Chain{"POSTROUTING": postrouting, "inner": inner}}
	r := Ruleset{Tables: []*Table{table}}.Walk(Packet{Destination: netip.MustParseAddr("8.8.8.8")})
	if got := r.Fate(); got != Undetermined {
		t.Errorf("fate %s", got)
	}
	want := []string{
		"masquerade masquerade via jump, -s 10.244.1.5: source, mark: mark, tcp: protocol",
		"keep",
		"exit certain=true ends=false end via jump, -s 10.244.1.5: source",
		"exit certain=false ends=true return, ct: condition",
		"exit certain=true ends=true end via goto, -s @set: changing set",
	}
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// describe has a line for each outcome and each exit.
func describe(r Result) []string {
	var out []string
	add := func(what string, p Place, via []Place, doubts []Doubt) {
		if p.Rule != nil {
			what += " " + p.Rule.Text
		}
		for _, v := range via {
			what += " via " + v.Rule.Text
		}
		for _, d := range doubts {
			what += fmt.Sprintf(", %s: %s", d.Text, d.On)
		}
		out = append(out, what)
	}
	for _, o := range r.Outcomes {
		add(string(o.Fate), o.By, o.Via, o.Doubts)
	}
	for _, e := range r.Exits {
		add(fmt.Sprintf("exit certain=%v ends=%v", e.Certain, e.Ends), e.Place, e.Via, e.Doubts)
	}
	return out
}

func TestAddressRangeString(t *testing.T) {
	addr := netip.MustParseAddr
	for want, r := range map[string]AddressRange{
		"10.0.0.0/8":                   {addr("10.0.0.0"), addr("10.255.255.255")},
		"0.0.0.0/0":                    {addr("0.0.0.0"), addr("255.255.255.255")},
		"192.0.2.1":                    {addr("192.0.2.1"), addr("192.0.2.1")},
		"192.0.2.1-192.0.2.4":          {addr("192.0.2.1"), addr("192.0.2.4")},
		"fd00::/8":                     {addr("fd00::"), addr("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
		"an address that is not known": {},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
