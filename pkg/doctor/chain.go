// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"slices"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

const (
	nothingMasqueraded = "the agent masquerades nothing: unless other rules do, pods reach only destinations that have a route back to the pods' addresses"
	followsKernel      = "traffic follows the rules in the kernel, not the file"
	checkTheAgent      = "check that the agent runs on this node, and read its log"
	restores           = "a running agent restores the rules within its resyncInterval; if it does not, read its log, and check that it runs with the flags that doctor uses"
)

// checkBackend reports which backend the agent uses.
func checkBackend(n Node) []Finding {
	if n.BackendErr != nil {
		return []Finding{{Check: "backend", Severity: Error, What: n.BackendErr.Error(),
			Consequence: "the agent cannot write its rules", Remedy: "install iptables 1.8 or later in the image"}}
	}
	return []Finding{{Check: "backend", Severity: OK, What: fmt.Sprintf("the backend is %s, because %s", n.Backend.Name, n.Backend.Why)}}
}

// checkRules compares the agent's rules in the kernel with the file.
func checkRules(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	var out []Finding
	for _, f := range n.families() {
		if err := n.unread(n.Backend.Name, f); err != nil {
			out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(), What: err.Error(),
				Consequence: "the agent cannot manage the rules of this IP family", Remedy: "see the message; the container needs NET_ADMIN, and NET_RAW for iptables-legacy"})
			continue
		}
		have := n.chain(f)
		out = append(out, dormant(&n, f)...)
		if err := n.Missing[f]; err != nil {
			out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(), What: err.Error(),
				Consequence: "the agent cannot write the rules of this IP family", Remedy: "install the command in the image, or do not enable the IP family"})
		}
		if n.Backend.Name == backend.NFTables {
			out = append(out, checkTable(&n, f, have))
			continue
		}
		out = append(out, checkChain(&n, f, have))
		hook := noHook(&n, f)
		out = append(out, hook...)
		if have != nil && hook == nil {
			out = append(out, checkJump(&n, f, have))
		}
	}
	return out
}

// dormant reports that the agent's table has the flag dormant.
func dormant(n *Node, f netfilter.Family) []Finding {
	name := masq.SharedTable
	if n.Backend.Name == backend.NFTables {
		name = masq.OwnTable
	}
	var out []Finding
	for _, t := range n.Rules.Tables {
		if !t.Dormant || !t.HasFamily(f) || t.Owner != netfilter.OwnerNFTables || t.Name != name {
			continue
		}
		out = append(out, Finding{Check: "chain", Severity: Error, Family: f.String(),
			What:        fmt.Sprintf("%s is dormant", t),
			Consequence: "none of its rules is in force, so they masquerade nothing",
			Remedy:      fmt.Sprintf("nft add table %s %s", t.Family, t.Name)})
	}
	return out
}

// checkChain compares the agent's chain with the file.
func checkChain(n *Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "chain", Severity: OK, Family: f.String()}
	if have == nil {
		out.Severity, out.What = Error, fmt.Sprintf("chain %s does not exist", n.ChainName)
		out.Consequence, out.Remedy = nothingMasqueraded, checkTheAgent
		return out
	}
	count := rules(len(have.Rules.Rules))
	switch different := differences(n.Want[f], f, have.Rules); {
	case have.Rules.Err != nil:
		out.Severity, out.What = Unchecked, fmt.Sprintf("cannot read chain %s: %v", n.ChainName, have.Rules.Err)
	case n.ConfigErr != nil:
		out.Severity, out.What = Info, fmt.Sprintf("chain %s has %s; there is no valid file to compare it with", n.ChainName, count)
	case len(different) > 0 && len(differences(n.Want[f].WithoutRandomFully(), f, have.Rules)) == 0:
		out.Severity, out.What = Info, fmt.Sprintf("chain %s is as the file says, %s, but without --random-fully", n.ChainName, count)
		out.Consequence = "none with iptables before 1.6.2, which does not have it; otherwise the agent's flag --random-fully is off"
	case len(different) > 0:
		out.Severity, out.What, out.Rules = Error, fmt.Sprintf("chain %s differs from the file (- is missing, + is unexpected)", n.ChainName), different
		out.Consequence, out.Remedy = followsKernel, restores
	default:
		out.What = fmt.Sprintf("chain %s is as the file says, %s", n.ChainName, count)
	}
	return out
}

// checkTable compares the table of the backend nftables with the file.
func checkTable(n *Node, f netfilter.Family, have *Chain) Finding {
	out := Finding{Check: "chain", Severity: OK, Family: f.String(), What: "table " + masq.OwnTable + " is as the file says"}
	switch {
	case have == nil && len(n.Drift[f]) > 0 && n.Drift[f][0] != nftables.MissingTable:
		out.Severity, out.What, out.Rules = Error, "table "+masq.OwnTable+" has no base chain at nat/postrouting", n.Drift[f]
		out.Consequence, out.Remedy = nothingMasqueraded, restores
	case have == nil:
		out.Severity, out.What = Error, "table "+masq.OwnTable+" does not exist"
		out.Consequence, out.Remedy = nothingMasqueraded, checkTheAgent
	case n.DriftErr != nil:
		out.Severity, out.What = Unchecked, fmt.Sprintf("cannot read table %s: %v", masq.OwnTable, n.DriftErr)
	case n.ConfigErr != nil:
		out.Severity, out.What = Info, fmt.Sprintf("table %s exists; there is no valid file to compare it with", masq.OwnTable)
	case len(n.Drift[f]) > 0:
		out.Severity, out.What, out.Rules = Error, fmt.Sprintf("table %s differs from the file", masq.OwnTable), n.Drift[f]
		out.Consequence, out.Remedy = followsKernel, restores
	}
	return out
}

// differences returns the rules that are missing in a chain, marked "-", and those
// that are unexpected, marked "+". If only the order is different, it says so.
func differences(want iptables.Chain, f netfilter.Family, have *netfilter.Chain) []string {
	left := slices.Clone(want.Rules)
	var out []string
	inOrder := len(want.Rules) == len(have.Rules)
	for i, r := range have.Rules {
		rule, ok := iptables.RuleOf(f, r)
		inOrder = inOrder && ok && rule.Equal(want.Rules[i])
		at := slices.IndexFunc(left, func(w iptables.Rule) bool { return ok && rule.Equal(w) })
		if at < 0 {
			out = append(out, "+ "+r.Text)
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	for _, r := range left {
		out = append(out, fmt.Sprintf("- -A %s %s", want.Name, r))
	}
	if len(out) == 0 && !inOrder {
		out = append(out, "the rules are in another order")
	}
	return out
}

func rules(n int) string {
	if n == 1 {
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}
