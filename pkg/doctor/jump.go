// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"bytes"
	"fmt"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// noHook reports that packets do not pass iptables' chain POSTROUTING.
func noHook(n *Node, f netfilter.Family) []Finding {
	t := n.Rules.NoHook(f)
	if t == nil || backendOf(t) != n.Backend.Name {
		return nil
	}
	return []Finding{{Check: "jump", Severity: Error, Family: f.String(),
		What:        fmt.Sprintf("chain %s of %s: %v", predict.Postrouting, t, iptables.ErrNoHook),
		Consequence: "the agent's chain has no effect, and the agent does not write it, so the agent masquerades nothing",
		Remedy:      fmt.Sprintf("to have the chain created again, run on the node: nft 'flush chain %[1]s %[2]s %[3]s; delete chain %[1]s %[2]s %[3]s'", t.Family, t.Name, predict.Postrouting)}}
}

// checkJump reports whether exactly one rule of POSTROUTING sends packets to the
// agent's chain.
func checkJump(n *Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "jump", Severity: Error, Family: f.String(), Rules: have.jumpTexts(),
		Remedy: "a running agent restores the jump rule within its resyncInterval; if it does not, read its log"}
	expected, other, harmless := 0, 0, true
	for _, r := range have.Jumps {
		switch {
		case !n.Want[f].IsJump(f, r):
			other++
			harmless = harmless && excludesLocal(r)
		case expected == 0:
			expected = 1
		default: // the agent leaves native ones, because iptables cannot delete them
			expected++
			harmless = harmless && r.Native
		}
	}
	switch {
	case expected == 1 && other == 0:
		return Finding{Check: "jump", Severity: OK, Family: out.Family, What: "exactly one rule of POSTROUTING jumps to it"}
	case len(have.Jumps) == 0:
		out.What = "no rule of POSTROUTING jumps to chain " + n.ChainName
		out.Consequence = "the chain has no effect, and " + nothingMasqueraded
		if have.Reached {
			out.Consequence = "only traffic that another chain sends to it passes the chain"
		}
	case expected == 0:
		out.What = fmt.Sprintf("the rules of POSTROUTING that lead to chain %s have other conditions than the agent's jump rule", n.ChainName)
		out.Consequence = "these conditions decide which traffic passes the chain"
	default:
		out.What = fmt.Sprintf("besides the agent's jump rule, POSTROUTING has %s to chain %s", rules(len(have.Jumps)-1), n.ChainName)
		out.Severity, out.Consequence = Warning, "packets may pass the chain more than once, with the same result"
		switch {
		case harmless:
			out.Severity, out.Remedy = Info, ""
		case other > 0:
			out.Consequence = "traffic that the agent's jump rule excludes, to addresses of this node, may be masqueraded"
			out.Remedy = "remove the rule that is not the agent's; its comment may name the program that writes it"
		}
	}
	return out
}

// excludesLocal reports whether a rule has a condition that addresses of this node do
// not meet.
func excludesLocal(r netfilter.Rule) bool {
	local := netfilter.Number(netfilter.TypeLocal)
	for _, c := range r.Conditions() {
		if !c.Understood() || len(c.Key) != 1 || c.Key[0].Field != netfilter.DestinationType || c.Key[0].Mask != nil {
			continue
		}
		includes := false
		for _, e := range c.Elements {
			includes = includes || bytes.Compare(e.Key[0].From, local) <= 0 && bytes.Compare(local, e.Key[0].To) <= 0
		}
		if includes == c.Negated {
			return true
		}
	}
	return false
}
