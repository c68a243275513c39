// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"

	"ip-masq-agent/pkg/netfilter"
)

// checkConnections counts the conntrack entries that follow rules that have changed
// since.
func checkConnections(n Node) []Finding {
	if n.BackendErr != nil {
		return nil
	}
	if n.FlowsErr != nil {
		return []Finding{{Check: "connections", Severity: Unchecked, What: fmt.Sprintf("cannot tell which connections follow old rules: %v", n.FlowsErr)}}
	}
	var masqueraded, kept stale
	total := 0
	for _, flow := range n.Flows {
		total += flow.Count
		switch fate := n.fate(flow); {
		case fate == netfilter.Kept && flow.Masqueraded:
			masqueraded.add(flow)
		case fate == netfilter.Masqueraded && !flow.Masqueraded:
			kept.add(flow)
		}
	}
	if masqueraded.count+kept.count == 0 {
		return []Finding{{Check: "connections", Severity: OK, What: fmt.Sprintf("none of %d conntrack entries follows old rules", total)}}
	}
	var out []Finding
	if masqueraded.count > 0 {
		out = append(out, masqueraded.finding("masqueraded, but new connections would not be"))
	}
	if kept.count > 0 {
		out = append(out, kept.finding("not masqueraded, but new connections would be"))
	}
	return out
}

// fate returns what the rules do with a new connection like this one. It is
// Undetermined if the rules do not decide.
func (n *Node) fate(f Flow) netfilter.Fate {
	switch {
	case f.Source.IsUnspecified() || f.Destination.IsMulticast():
		return netfilter.Undetermined // IGMP and MLD reports of the kernel
	case f.Route.Local(), f.Route.Type == 0, f.Route.Device.Name == "lo", f.SourceRoute.Local():
		return netfilter.Undetermined // does not pass postrouting, or has the node's address anyway
	case f.Translated && f.Masqueraded:
		return netfilter.Undetermined // kube-proxy masquerades some of the traffic to Services
	}
	return n.Rules.Decide(f.Packet()).Fate()
}

// stale is a number of conntrack entries, and one of them.
type stale struct {
	count   int
	example Flow
}

func (s *stale) add(f Flow) {
	s.count += f.Count
	// The lowest, so that the same node gives the same text.
	c := f.Source.Compare(s.example.Source)
	if !s.example.Source.IsValid() || c < 0 || c == 0 && f.Destination.Less(s.example.Destination) {
		s.example = f
	}
}

func (s *stale) finding(how string) Finding {
	source, destination := s.example.Source, s.example.Destination
	what := fmt.Sprintf("%d conntrack entries are %s, for example %s to %s", s.count, how, source, destination)
	if s.count == 1 {
		what = fmt.Sprintf("1 conntrack entry is %s: %s to %s", how, source, destination)
	}
	return Finding{
		Check: "connections", Severity: Warning, What: what,
		Consequence: "the kernel decides about NAT once per connection, so these connections keep their old address; a UDP flow lasts as long as it is used",
		Remedy:      fmt.Sprintf("wait until they end, or restart the pods, or run on the node: conntrack -D -s %s -d %s", source, destination),
	}
}
