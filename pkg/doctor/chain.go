// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"slices"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

func backend(n Node) []Finding {
	if n.BackendErr != nil {
		return []Finding{{Check: "backend", Severity: Error, What: n.BackendErr.Error(),
			Consequence: "the agent cannot write its rules", Remedy: "install iptables 1.8 or later in the image"}}
	}
	return []Finding{{Check: "backend", Severity: OK, What: fmt.Sprintf("the backend is %s, because %s", n.Backend.Name, n.Backend.Why)}}
}

// chains compares what the agent has in the kernel with what it should have.
func chains(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	var out []Finding
	for _, f := range n.families() {
		if err := n.unread(n.Backend.Name, f); err != nil {
			out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(), What: err.Error(),
				Consequence: "the agent cannot manage the rules of this family", Remedy: "see the message; the container needs NET_ADMIN, and NET_RAW for iptables-legacy"})
			continue
		}
		have := n.chain(n.Backend.Name, f, n.ChainName)
		out = append(out, dormant(n, f)...)
		if err := n.Missing[f]; err != nil {
			out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(), What: err.Error(),
				Consequence: "the agent cannot write the rules of this family", Remedy: "install the command in the image, or do not enable the family"})
		}
		if n.Backend.Name == nativeBackend {
			out = append(out, ownTableFinding(n, f, have))
			continue
		}
		out = append(out, chain(n, f, have))
		if have != nil {
			out = append(out, jump(n, f, have))
		}
	}
	return out
}

// dormant finds a table of ours whose base chains are not in force.
func dormant(n Node, f netfilter.Family) []Finding {
	var out []Finding
	for _, t := range n.Rules.Tables {
		if !t.Dormant || !t.HasFamily(f) || t.Owner != netfilter.OwnerNFTables || t.Name != tableOf(n.Backend.Name) {
			continue
		}
		out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(),
			What:        fmt.Sprintf("%s is dormant", t),
			Consequence: "none of its rules is in force, and nothing is masqueraded by them",
			Remedy:      fmt.Sprintf("nft add table %s %s", t.Family, t.Name)})
	}
	return out
}

const (
	noChain = "nothing is masqueraded: pods reach only what routes to their own addresses"
	drifted = "traffic goes as the kernel's rules say, not as the file says"
	repairs = "a running agent repairs this within its resyncInterval; if it stays, see its log, and whether it runs with other flags than given here"
)

func chain(n Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "chain", Severity: OK, Family: f.String()}
	if have == nil {
		out.Severity, out.What = Error, fmt.Sprintf("chain %s does not exist", n.ChainName)
		out.Consequence, out.Remedy = noChain, "see whether the agent runs on this node, and its log"
		return out
	}
	count := rules(len(have.Rules.Rules))
	switch different := differences(n.Want[f], f, have.Rules); {
	case have.Rules.Err != nil:
		out.Severity, out.What = Unchecked, fmt.Sprintf("what chain %s has: %v", n.ChainName, have.Rules.Err)
	case n.ConfigErr != nil:
		out.Severity, out.What = Info, fmt.Sprintf("chain %s has %s; there is no valid file to compare it with", n.ChainName, count)
	case len(different) > 0 && len(differences(withoutRandomFully(n.Want[f]), f, have.Rules)) == 0:
		out.Severity, out.What = Info, fmt.Sprintf("chain %s is as the file says, %s, but without --random-fully", n.ChainName, count)
		out.Consequence = "none with iptables before 1.6.2, which does not have it; else the agent's flag --random-fully is off"
	case len(different) > 0:
		out.Severity, out.What, out.Rules = Error, fmt.Sprintf("chain %s is not what the file asks for (- is missing, + is too much)", n.ChainName), different
		out.Consequence, out.Remedy = drifted, repairs
	default:
		out.What = fmt.Sprintf("chain %s is as the file says, %s", n.ChainName, count)
	}
	return out
}

// ownTableFinding reports whether the table of the backend nftables is as the file
// says.
func ownTableFinding(n Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "chain", Severity: OK, Family: f.String(), What: "table " + ownTable + " is as the file says"}
	switch {
	case have == nil && len(n.Drift[f]) > 0 && n.Drift[f][0] != nftables.MissingTable:
		out.Severity, out.What, out.Rules = Error, "table "+ownTable+" has no base chain at nat/postrouting", n.Drift[f]
		out.Consequence, out.Remedy = noChain, repairs
	case have == nil:
		out.Severity, out.What = Error, "table "+ownTable+" does not exist"
		out.Consequence, out.Remedy = noChain, "see whether the agent runs on this node, and its log"
	case n.DriftErr != nil:
		out.Severity, out.What = Unchecked, fmt.Sprintf("what table %s has: %v", ownTable, n.DriftErr)
	case n.ConfigErr != nil:
		out.Severity, out.What = Info, fmt.Sprintf("table %s is there; there is no valid file to compare it with", ownTable)
	case len(n.Drift[f]) > 0:
		out.Severity, out.What, out.Rules = Error, fmt.Sprintf("table %s is not what the file asks for", ownTable), n.Drift[f]
		out.Consequence, out.Remedy = drifted, repairs
	}
	return out
}

func jump(n Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "jump", Severity: OK, Family: f.String(), Remedy: "a running agent repairs this within its resyncInterval; if it stays, see its log"}
	good := 0
	for _, r := range have.Jumps {
		out.Rules = append(out.Rules, r.Text)
		if n.Want[f].IsJump(f, r) {
			good++
		}
	}
	switch {
	case good == 1 && len(out.Rules) == 1:
		return Finding{Check: "jump", Severity: OK, Family: out.Family, What: "exactly one rule of POSTROUTING jumps to it"}
	case len(out.Rules) == 0:
		out.Severity, out.What = Error, "no rule of POSTROUTING jumps to chain "+n.ChainName
		out.Consequence = "the chain has no effect, and nothing is masqueraded"
	case good == 0:
		out.Severity, out.What = Error, "the rules of POSTROUTING that jump to chain "+n.ChainName+" have other conditions than they should"
		out.Consequence = "some traffic does not reach the chain"
	case good == len(out.Rules):
		out.Severity, out.What = Warning, fmt.Sprintf("%d rules of POSTROUTING jump to chain %s", good, n.ChainName)
		out.Consequence = "packets pass the chain more than once; what it says is still what happens"
	default:
		out.Severity, out.What = Warning, fmt.Sprintf("besides the agent's own jump, %s of POSTROUTING leads to chain %s", rules(len(out.Rules)-good), n.ChainName)
		out.Consequence = "traffic that the agent does not touch, to this node itself, may be masqueraded"
		out.Remedy = "remove the rule that is not the agent's: its comment may say who writes it"
	}
	return out
}

// differences tells, rule by rule, in what a chain is not as wanted: the rules
// that are missing, marked "-", and those that are too many, marked "+". If the
// two have the same rules in another order, it says so.
func differences(want iptables.Chain, f netfilter.Family, have *netfilter.Chain) []string {
	left := slices.Clone(want.Rules)
	var out []string
	inOrder := len(want.Rules) == len(have.Rules)
	for i, r := range have.Rules {
		own, ok := iptables.RuleOf(f, r)
		inOrder = inOrder && ok && own.Equal(want.Rules[i])
		place := slices.IndexFunc(left, func(w iptables.Rule) bool { return ok && own.Equal(w) })
		if place < 0 {
			out = append(out, "+ "+r.Text)
			continue
		}
		left = slices.Delete(left, place, place+1)
	}
	for _, r := range left {
		out = append(out, fmt.Sprintf("- -A %s %s", want.Name, r))
	}
	if len(out) == 0 && !inOrder {
		out = append(out, "the rules are in another order")
	}
	return out
}

func withoutRandomFully(c iptables.Chain) iptables.Chain {
	c.Rules = slices.Clone(c.Rules)
	for i := range c.Rules {
		c.Rules[i].RandomFully = false
	}
	return c
}

func rules(n int) string {
	if n == 1 {
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}
