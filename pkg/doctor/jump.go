// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// noHook reports that packets do not pass iptables' chain POSTROUTING.
func noHook(n Node, f netfilter.Family) []Finding {
	t := n.Rules.NoHook(f)
	if t == nil || backendOf(t) != n.Backend.Name {
		return nil
	}
	return []Finding{{Check: "jump", Severity: Error, Family: f.String(),
		What:        fmt.Sprintf("chain %s of %s: %v", predict.Postrouting, t, iptables.ErrNoHook),
		Consequence: "the agent's chain has no effect, and the agent does not write it, so nothing is masqueraded",
		Remedy:      fmt.Sprintf("to have the chain created again, run on the node: nft 'flush chain %[1]s %[2]s %[3]s; delete chain %[1]s %[2]s %[3]s'", t.Family, t.Name, predict.Postrouting)}}
}

// checkJump reports whether exactly one rule of POSTROUTING sends packets to the
// agent's chain.
func checkJump(n Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "jump", Severity: Error, Family: f.String(), Rules: have.jumpTexts(),
		Remedy: "a running agent restores the jump rule within its resyncInterval; if it does not, read its log"}
	expected := 0
	for _, r := range have.Jumps {
		if n.Want[f].IsJump(f, r) {
			expected++
		}
	}
	switch {
	case expected == 1 && len(have.Jumps) == 1:
		return Finding{Check: "jump", Severity: OK, Family: out.Family, What: "exactly one rule of POSTROUTING jumps to it"}
	case len(have.Jumps) == 0:
		out.What = "no rule of POSTROUTING jumps to chain " + n.ChainName
		out.Consequence = "the chain has no effect, so nothing is masqueraded"
	case expected == 0:
		out.What = fmt.Sprintf("the rules of POSTROUTING that jump to chain %s have other conditions than the agent's jump rule", n.ChainName)
		out.Consequence = "some traffic does not reach the chain"
	case expected == len(have.Jumps):
		out.Severity, out.What = Warning, fmt.Sprintf("%d rules of POSTROUTING jump to chain %s", expected, n.ChainName)
		out.Consequence = "packets pass the chain more than once, with the same result"
	default:
		out.Severity, out.What = Warning, fmt.Sprintf("besides the agent's jump rule, %s of POSTROUTING leads to chain %s", rules(len(have.Jumps)-expected), n.ChainName)
		out.Consequence = "traffic that the agent's jump rule excludes, to addresses of this node, may be masqueraded"
		out.Remedy = "remove the rule that is not the agent's; its comment may name the program that writes it"
	}
	return out
}
