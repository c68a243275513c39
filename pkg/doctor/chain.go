// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"strings"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

func backend(n Node) []Finding {
	if n.BackendErr != nil {
		return []Finding{{Check: "backend", Severity: Error, What: n.BackendErr.Error(),
			Consequence: "the agent cannot write its rules", Remedy: "install iptables 1.8 or later in the image"}}
	}
	return []Finding{{Check: "backend", Severity: OK, What: fmt.Sprintf("the backend is %s, because %s", n.Backend.Backend, n.Backend.Why)}}
}

func configuration(n Node) []Finding {
	f := Finding{Check: "config", Severity: OK, What: n.ConfigFile + " is good"}
	var refusal *config.Refusal
	switch {
	case n.NoFile:
		f.Severity, f.What = Info, "there is no file "+n.ConfigFile+", so the defaults hold"
	case errors.As(n.ConfigErr, &refusal):
		var lines []string
		for _, p := range refusal.Problems {
			lines = append(lines, p.String())
		}
		f = Finding{Check: "config", Severity: Error, What: "the agent refuses the file: " + strings.Join(lines, "; "),
			Consequence: "the last good configuration stays in force; edits do nothing", Remedy: "mend the ConfigMap; check tells whether it is good"}
	case n.ConfigErr != nil:
		f = Finding{Check: "config", Severity: Error, What: n.ConfigErr.Error(),
			Consequence: "the last good configuration stays in force; edits do nothing", Remedy: "mount the ConfigMap's key config as this file"}
	}
	return []Finding{f}
}

// chains compares what the agent keeps with what it should.
func chains(n Node) []Finding {
	var out []Finding
	seen := map[netfilter.Family]bool{}
	for _, t := range n.inUse() {
		seen[t.Family] = true
		if t.Err != nil {
			out = append(out, Finding{Check: "chain", Severity: Error, Family: t.Family.String(), What: t.Err.Error(),
				Consequence: "the agent can keep no rules of this family", Remedy: "see the message; the container needs NET_ADMIN, and NET_RAW for legacy"})
			continue
		}
		out = append(out, chain(n, t))
		if t.Chains[n.ChainName].Exists {
			out = append(out, jump(n, t))
		}
	}
	if n.IPv6 && !seen[netfilter.IPv6] && n.BackendErr == nil {
		out = append(out, Finding{Check: "chain", Severity: Error, Family: "IPv6", What: fmt.Sprintf("there is no ip6tables-%s", n.Backend.Backend),
			Consequence: "the agent can keep no IPv6 rules", Remedy: "install it in the image, or run without --enable-ipv6"})
	}
	return out
}

func chain(n Node, t Table) Finding {
	f := Finding{Check: "chain", Severity: OK, Family: t.Family.String()}
	have := t.Chains[n.ChainName]
	switch different := t.Want.Differences(have); {
	case !have.Exists:
		f.Severity, f.What = Error, fmt.Sprintf("chain %s is not there", n.ChainName)
		f.Consequence = "nothing is masqueraded: pods reach only what routes to their own addresses"
		f.Remedy = "see whether the agent runs on this node, and its log"
	case n.ConfigErr != nil:
		f.Severity, f.What = Info, fmt.Sprintf("chain %s has %s; there is no good file to compare it with", n.ChainName, rules(len(have.Entries)))
	case len(different) > 0:
		f.Severity, f.What, f.Rules = Error, fmt.Sprintf("chain %s is not what the file asks for (- is missing, + is too much)", n.ChainName), different
		f.Consequence = "traffic goes as the kernel's rules say, not as the file says"
		f.Remedy = "a running agent mends this within its resyncInterval; if it stays, see its log, and whether it runs with other flags than given here"
	default:
		f.What = fmt.Sprintf("chain %s is as the file says, %s", n.ChainName, rules(len(have.Entries)))
	}
	return f
}

func jump(n Node, t Table) Finding {
	f := Finding{Check: "jump", Severity: OK, Family: t.Family.String(), Remedy: "a running agent mends this within its resyncInterval; if it stays, see its log"}
	list := t.Chains[iptables.Postrouting]
	good := 0
	for _, i := range list.Jumps(n.ChainName) {
		f.Rules = append(f.Rules, list.Entries[i].String())
		if t.Want.Reaches(list.Entries[i]) {
			good++
		}
	}
	switch {
	case good == 1 && len(f.Rules) == 1:
		return Finding{Check: "jump", Severity: OK, Family: f.Family, What: "exactly one rule of POSTROUTING goes to it"}
	case len(f.Rules) == 0:
		f.Severity, f.What = Error, "no rule of POSTROUTING goes to chain "+n.ChainName
		f.Consequence = "the chain does nothing, and nothing is masqueraded"
	case good == 0:
		f.Severity, f.What = Error, "the rules of POSTROUTING that go to chain "+n.ChainName+" have other conditions than they should"
		f.Consequence = "some traffic does not meet the chain"
	case good == len(f.Rules):
		f.Severity, f.What = Warning, fmt.Sprintf("%d rules of POSTROUTING go to chain %s", good, n.ChainName)
		f.Consequence = "traffic is looked at more than once; what the chain says is still what happens"
	default:
		f.Severity, f.What = Warning, fmt.Sprintf("besides its own jump, %s of POSTROUTING goes to chain %s", rules(len(f.Rules)-good), n.ChainName)
		f.Consequence = "traffic that the agent leaves alone, to this node itself, may be masqueraded"
		f.Remedy = "remove the rule that is not the agent's: see who writes it by its comment"
	}
	return f
}

func rules(n int) string {
	if n == 1 {
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}
