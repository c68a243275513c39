// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/pkg/predict"
)

// notReached is the consequence of rules of an agent that are not in force.
const notReached = "none: no rule in force leads packets to it"

// checkLeftovers reports rules of this agent in a backend or IP family that it does
// not manage.
func checkLeftovers(n Node) []Finding {
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
			f.What = fmt.Sprintf("%s is in %s too, where this agent does not manage it", c, c.Backend)
			f.Consequence = "both sets of rules are in force: traffic is masqueraded if one of them says so, and edits of the file change only one"
			f.Remedy = fmt.Sprintf("ip-masq-agent cleanup --masq-chain=%s --backend=%s", n.ChainName, c.Backend)
		case !slices.Contains(n.families(), c.Family):
			f.What = fmt.Sprintf("%s has IPv6 rules, but --enable-ipv6 is off", c)
			if n.AutoIPv6 {
				f.What = fmt.Sprintf("%s has IPv6 rules, but the agent (--enable-ipv6=auto) has not enabled IPv6", c)
			}
			f.Consequence = "the rules are in force, and edits of the file do not change them"
			f.Remedy = "run the agent with --enable-ipv6; or remove only these rules: " + removal(c)
		default:
			continue
		}
		if !c.Reached {
			f.Severity, f.Consequence = Info, notReached
		}
		out = append(out, f)
	}
	for _, u := range n.Unread {
		if u.Backend != n.Backend.Name || !slices.Contains(n.families(), u.Family) {
			out = append(out, Finding{Check: "backend", Severity: Unchecked, Family: u.Family.String(),
				What: fmt.Sprintf("cannot tell whether chain %s is in %s too: %v", n.ChainName, u.Backend, u.Err)})
		}
	}
	if len(out) == 0 {
		out = append(out, n.nothing("backend", "this agent has no rules in another backend or IP family"))
	}
	return out
}

// removal says how to remove the rules of one IP family. The subcommand cleanup
// removes those of both.
func removal(c Chain) string {
	switch c.Backend {
	case backend.NFTables:
		return fmt.Sprintf("on the node: nft 'delete table %s %s'", c.Family.NFT(), masq.OwnTable)
	case backend.IPTablesNFT:
		r := nftables.ChainRemoval{Family: c.Family, Table: masq.SharedTable, Chain: c.Name, From: predict.Postrouting, Jumps: c.Jumps}
		return fmt.Sprintf("on the node: nft '%s'", strings.Join(r.Commands(), "; "))
	default: // the comment of a jump may contain what a shell expands
		return fmt.Sprintf("ip-masq-agent cleanup --dry-run --masq-chain=%s --backend=%s prints a command and its input for %s", c.Name, c.Backend, c.Family)
	}
}

// checkOtherAgents reports chains of other agents.
func checkOtherAgents(n Node) []Finding {
	var out []Finding
	for _, c := range n.Chains {
		if c.Name == n.ChainName {
			continue
		}
		f := Finding{Check: "other-agent", Severity: Warning, Family: c.Family.String(),
			What:        fmt.Sprintf("another agent's chain, %s, is in %s beside %s", c.Name, c.Backend, n.ChainName),
			Rules:       c.jumpTexts(),
			Consequence: "traffic is masqueraded if either chain says so",
			Remedy:      "delete the other agent's DaemonSet, then run: ip-masq-agent cleanup --masq-chain=" + c.Name,
		}
		if !c.Reached {
			f.Severity, f.Consequence = Info, notReached
		}
		out = append(out, f)
	}
	if len(out) == 0 && n.BackendErr == nil {
		out = append(out, n.nothing("other-agent", "no other agent has a chain here"))
	}
	return out
}

// nothing returns the Finding that a check found nothing. That is not certain if
// some rules could not be read.
func (n *Node) nothing(check, what string) Finding {
	if len(n.Unread) > 0 {
		u := n.Unread[0]
		return Finding{Check: check, Severity: Unchecked, What: fmt.Sprintf("not certain that %s: the %s rules of %s could not be read", what, u.Family, u.Backend)}
	}
	return Finding{Check: check, Severity: OK, What: what}
}
