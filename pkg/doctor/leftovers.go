// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"slices"
)

// leftovers finds our chain where the agent does not manage it.
func leftovers(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	var out []Finding
	for _, c := range n.Chains {
		f := Finding{Check: "backend", Severity: Warning, Family: c.Family.String(), Rules: c.jumpTexts()}
		switch {
		case c.Name != n.ChainName:
			continue
		case c.Backend != n.Backend.Name:
			f.What = fmt.Sprintf("%s is in %s too, where no agent manages it", c, c.Backend)
			f.Consequence = "both sets of rules are in force: what one of them masquerades is masqueraded, and edits of the file reach one alone"
			f.Remedy = fmt.Sprintf("ip-masq-agent cleanup --masq-chain=%s --backend=%s", n.ChainName, c.Backend)
		case !slices.Contains(n.families(), c.Family):
			f.What = fmt.Sprintf("%s has IPv6 rules, but --enable-ipv6 is off", c)
			if n.AutoIPv6 {
				f.What = fmt.Sprintf("%s has IPv6 rules, but the agent (--enable-ipv6=auto) has not enabled IPv6", c)
			}
			f.Consequence = "the rules are in force, and edits of the file do not reach them"
			f.Remedy = "run with --enable-ipv6, or remove the rules with cleanup"
		default:
			continue
		}
		out = append(out, f)
	}
	for _, u := range n.Unread {
		if u.Backend != n.Backend.Name || !slices.Contains(n.families(), u.Family) {
			out = append(out, Finding{Check: "backend", Severity: Unchecked, Family: u.Family.String(),
				What: fmt.Sprintf("whether a chain of ours is in %s: %v", u.Backend, u.Err)})
		}
	}
	if len(out) == 0 {
		out = append(out, n.nothing("backend", "no chain of ours is left over elsewhere"))
	}
	return out
}

// String names the chain, or the table of the backend nftables.
func (c Chain) String() string {
	if c.Rules == nil {
		return "table " + ownTable
	}
	return "chain " + c.Name
}

func (c Chain) jumpTexts() []string {
	var out []string
	for _, r := range c.Jumps {
		out = append(out, r.Text)
	}
	return out
}

func otherAgents(n Node) []Finding {
	var out []Finding
	for _, c := range n.Chains {
		if c.Name == n.ChainName {
			continue
		}
		f := Finding{Check: "other-agent", Severity: Warning, Family: c.Family.String(),
			What:        fmt.Sprintf("another agent's chain, %s, is in %s beside %s", c.Name, c.Backend, n.ChainName),
			Rules:       c.jumpTexts(),
			Consequence: "traffic leaves with the node's address as soon as either chain masquerades it",
			Remedy:      "delete the other agent's DaemonSet, then: ip-masq-agent cleanup --masq-chain=" + c.Name,
		}
		if len(f.Rules) == 0 {
			f.Severity, f.Consequence = Info, "none: no rule of POSTROUTING goes to it"
		}
		out = append(out, f)
	}
	if len(out) == 0 && n.BackendErr == nil {
		out = append(out, n.nothing("other-agent", "no other agent's chain is there"))
	}
	return out
}

// nothing is the finding that nothing was found, which is not certain if a table
// could not be read.
func (n Node) nothing(check, what string) Finding {
	if len(n.Unread) > 0 {
		u := n.Unread[0]
		return Finding{Check: check, Severity: Unchecked, What: fmt.Sprintf("whether %s: the %s rules of %s could not be read", what, u.Family, u.Backend)}
	}
	return Finding{Check: check, Severity: OK, What: what}
}
