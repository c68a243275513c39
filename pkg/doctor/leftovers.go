// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// leftovers finds our chain where the agent does not keep it.
func leftovers(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	var out []Finding
	for _, t := range n.Tables {
		f := Finding{Check: "backend", Family: t.Family.String()}
		other := t.Backend != n.Backend.Backend
		switch {
		case !other && (t.Family == netfilter.IPv4 || n.IPv6):
			continue
		case t.Err != nil:
			f.Severity, f.What = Unchecked, fmt.Sprintf("whether a chain of ours lies in the %s tables: %v", t.Backend, t.Err)
		case !t.Chains[n.ChainName].Exists:
			continue
		case other:
			f.Severity, f.What = Warning, fmt.Sprintf("chain %s lies in the %s tables too, which nobody keeps", n.ChainName, t.Backend)
			f.Consequence = "both sets of rules are in force: what one of them masquerades is masqueraded, and edits of the file reach one alone"
			f.Remedy = fmt.Sprintf("ip-masq-agent cleanup --masq-chain=%s --backend=%s", n.ChainName, t.Backend)
		default:
			f.Severity, f.What = Warning, fmt.Sprintf("chain %s is in ip6tables, but --enable-ipv6 is off", n.ChainName)
			f.Consequence = "the rules are in force, and edits of the file do not reach them"
			f.Remedy = "run with --enable-ipv6, or remove the chain with cleanup"
		}
		f.Rules = jumpRules(t, n.ChainName)
		out = append(out, f)
	}
	if len(out) == 0 {
		out = append(out, n.fine("backend", "no chain of ours is left over elsewhere"))
	}
	return out
}

func jumpRules(t Table, chain string) []string {
	var out []string
	list := t.Chains[iptables.Postrouting]
	for _, i := range list.Jumps(chain) {
		out = append(out, list.Entries[i].String())
	}
	return out
}

// agentChains are the chains that agents of this kind keep: GKE's and this
// one's, the upstream agent's default, and kind's.
func agentChains() []string { return []string{"IP-MASQ", "IP-MASQ-AGENT", "KIND-MASQ-AGENT"} }

func otherAgents(n Node) []Finding {
	var out []Finding
	for _, t := range n.Tables {
		for _, name := range agentChains() {
			if name == n.ChainName || !t.Chains[name].Exists {
				continue
			}
			f := Finding{Check: "other-agent", Severity: Warning, Family: t.Family.String(),
				What:        fmt.Sprintf("another agent's chain, %s, is in the %s tables beside %s", name, t.Backend, n.ChainName),
				Rules:       jumpRules(t, name),
				Consequence: "traffic leaves with the node's address as soon as either chain masquerades it",
				Remedy:      "delete the other agent's DaemonSet, then: ip-masq-agent cleanup --masq-chain=" + name,
			}
			if len(f.Rules) == 0 {
				f.Severity, f.Consequence = Info, "none: no rule of POSTROUTING goes to it"
			}
			out = append(out, f)
		}
	}
	if len(out) == 0 && n.BackendErr == nil {
		out = append(out, n.fine("other-agent", "no other agent's chain is there"))
	}
	return out
}

// fine is the finding that nothing was found; which nobody can tell if a table
// was not read.
func (n Node) fine(check, what string) Finding {
	for _, t := range n.Tables {
		if t.Err != nil {
			return Finding{Check: check, Severity: Unchecked, What: fmt.Sprintf("whether %s: the %s tables of %s could not be read", what, t.Backend, t.Family)}
		}
	}
	return Finding{Check: check, Severity: OK, What: what}
}
