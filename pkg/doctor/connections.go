// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"

	"ip-masq-agent/pkg/netfilter"
)

// connections counts those that continue as rules said that have changed since.
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
		switch fate := n.fate(flow); {
		case fate == netfilter.Kept && flow.Masqueraded:
			masqueraded.add(flow, count)
		case fate == netfilter.Masqueraded && !flow.Masqueraded:
			kept.add(flow, count)
		}
	}
	if masqueraded.count+kept.count == 0 {
		return []Finding{{Check: "connections", Severity: OK, What: fmt.Sprintf("none of %d conntrack entries follows old rules", total)}}
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

// fate is what the rules do with such a connection now, Undetermined if it is
// not theirs to decide.
func (n Node) fate(f Flow) netfilter.Fate {
	if f.Source.IsUnspecified() || f.Reached.IsMulticast() {
		return netfilter.Undetermined // the kernel's own IGMP and MLD reports
	}
	way, known := n.Routes[f.key()]
	reached := way.Reached
	switch {
	case !known, reached.Local(), reached.Type == 0, reached.Device.Name == "lo", way.Source.Local():
		return netfilter.Undetermined // postrouting is not passed, or would change nothing
	case f.Translated && f.Masqueraded:
		return netfilter.Undetermined // kube-proxy masquerades some of a Service's traffic
	}
	return n.Rules.Walk(netfilter.Packet{
		Source:          f.Source,
		Destination:     f.Reached,
		SourceType:      max(way.Source.Type, netfilter.TypeUnicast),
		DestinationType: reached.Type,
		Out:             reached.Device,
		Protocol:        f.Protocol,
	}).Fate()
}

// key has of a flow what its routes depend on.
func (f Flow) key() Flow { return Flow{Source: f.Source, Reached: f.Reached} }

// stale is a number of connections, and one of them.
type stale struct {
	count   int
	example Flow
}

func (s *stale) add(f Flow, count int) {
	s.count += count
	// The lowest, so that the same node gives the same answer.
	if c := f.Source.Compare(s.example.Source); !s.example.Source.IsValid() || c < 0 || c == 0 && f.Reached.Less(s.example.Reached) {
		s.example = f
	}
}

func (s *stale) finding(how string) Finding {
	what := fmt.Sprintf("%d conntrack entries %s, such as %s to %s", s.count, how, s.example.Source, s.example.Reached)
	if s.count == 1 {
		what = fmt.Sprintf("1 conntrack entry %s: %s to %s", how, s.example.Source, s.example.Reached)
	}
	return Finding{
		Check: "connections", Severity: Warning, What: what,
		Consequence: "NAT is decided once for a connection: those that last continue under the old address, and a UDP flow lasts while it is used",
		Remedy:      fmt.Sprintf("let them end, or restart the pods, or on the node: conntrack -D -s %s -d %s", s.example.Source, s.example.Reached),
	}
}
