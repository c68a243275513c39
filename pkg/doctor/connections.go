// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// connections counts those that go on as rules said that are no longer there.
func connections(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	if n.FlowsErr != nil {
		return []Finding{{Check: "connections", Severity: Unchecked, What: fmt.Sprintf("which connections still follow old rules: %v", n.FlowsErr)}}
	}
	var masqueraded, kept stale
	total := 0
	for flow, count := range n.Flows {
		total += count
		switch v := n.today(flow); {
		case v == masq.Keep && flow.Masqueraded:
			masqueraded.add(flow, count)
		case v == masq.Masquerade && !flow.Masqueraded:
			kept.add(flow, count)
		}
	}
	if masqueraded.count+kept.count == 0 {
		return []Finding{{Check: "connections", Severity: OK, What: fmt.Sprintf("none of %d remembered connections follows old rules", total)}}
	}
	var out []Finding
	if masqueraded.count > 0 {
		out = append(out, masqueraded.finding("left with the node's address and would now keep the pod's"))
	}
	if kept.count > 0 {
		out = append(out, kept.finding("kept the pod's address and would now leave with the node's"))
	}
	return out
}

// today is what the rules say now, Unknown if that is not for them to say.
func (n Node) today(f Flow) masq.Verdict {
	to, known := n.Routes[f.Reached]
	switch {
	case !known, to.Local, to.Device == "lo", n.Routes[f.Source].Local:
		return masq.Unknown // the chain is not asked, or would change nothing
	case f.Translated && f.Masqueraded:
		return masq.Unknown // kube-proxy masquerades some of a Service's traffic
	}
	packet := iptables.Packet{Source: f.Source, Destination: f.Reached, Out: to.Device}
	verdict := masq.Unknown
	for _, t := range n.Tables {
		if t.Err != nil || t.Family == netfilter.IPv4 != f.Reached.Is4() {
			continue
		}
		switch v := masq.One(t.Chains.Walk(iptables.Postrouting, packet)); {
		case v != masq.Keep: // either backend's rules masquerade
			return v
		default:
			verdict = v
		}
	}
	return verdict
}

// stale is a number of connections, and one of them.
type stale struct {
	count   int
	example Flow
}

func (s *stale) add(f Flow, count int) {
	s.count += count
	// The least of them, so that the same node gives the same answer.
	if c := f.Source.Compare(s.example.Source); !s.example.Source.IsValid() || c < 0 || c == 0 && f.Reached.Less(s.example.Reached) {
		s.example = f
	}
}

func (s *stale) finding(how string) Finding {
	what := fmt.Sprintf("%d remembered connections %s, such as %s to %s", s.count, how, s.example.Source, s.example.Reached)
	if s.count == 1 {
		what = fmt.Sprintf("1 remembered connection %s: %s to %s", how, s.example.Source, s.example.Reached)
	}
	return Finding{
		Check: "connections", Severity: Warning, What: what,
		Consequence: "NAT is decided once for a connection: those that last go on under the old address, and a UDP flow lasts while it is used",
		Remedy:      fmt.Sprintf("let them end, or start the pods anew, or on the node: conntrack -D -s %s -d %s", s.example.Source, s.example.Reached),
	}
}
