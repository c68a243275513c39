// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// foreignRules finds the rules of others that decide about traffic in another
// way than the file. It sends addresses through all rules and compares what
// becomes of them with the file.
func foreignRules(n Node) []Finding {
	var out []Finding
	for _, f := range n.families() {
		found, left, rewritten := n.conflicts(f)
		for _, c := range found {
			out = append(out, c.finding(n))
		}
		if rewritten {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(),
				What: "what becomes of traffic after a rule that writes into the packet's header"})
		}
		if left > 0 {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(),
				What: fmt.Sprintf("what the rules do with %d boundaries of their ranges: there are too many of both", left)})
		}
	}
	if len(out) == 0 && n.BackendErr == nil {
		out = append(out, n.nothing("foreign-rule", "no rule of others decides against the file"))
	}
	return out
}

// conflict is a rule of others, and what it does with traffic that the file says
// something else about.
type conflict struct {
	family netfilter.Family
	want   netfilter.Fate
	fate   netfilter.Fate
	to     netfilter.AddressRange
	by     netfilter.Place   // the rule that decides
	via    []netfilter.Place // the rules that lead to it
	doubts []netfilter.Doubt
	ranges []netip.Prefix // of the file
	sample netip.Addr
	// inside and outside tell whether the traffic comes from sources that the file
	// masquerades, and from others.
	inside, outside bool
	more            int // rules that are alike
}

// conflicts returns them, those that are alike as one.
// Rewritten means that a rule may write into the header of some packet, after
// which nothing can be told.
func (n Node) conflicts(f netfilter.Family) (out []*conflict, left int, rewritten bool) {
	policy, ok := n.policy(f)
	if !ok {
		return nil, 0, false
	}
	probes := newProbes(n, f)
	var all []*conflict
	known := map[decision]*conflict{}
	against := map[netfilter.Place]bool{} // rules that decide against the file
	for source, destination := range probes.each() {
		want := expected(policy, source, destination)
		// The probe says nothing of its device, and without sourceCIDRs nothing of
		// its source, so a rule that asks for them may match.
		result := n.Rules.Walk(netfilter.Packet{Source: source, Destination: destination, DestinationType: netfilter.TypeUnicast, SourceType: netfilter.TypeUnicast})
		if slices.ContainsFunc(result.Outcomes, func(o netfilter.Outcome) bool { return o.By.Table == nil && o.Fate == netfilter.Undetermined }) {
			rewritten = true
		}
		for _, c := range n.deciders(want.fate, result) {
			c.family, c.want, c.sample = f, want.fate, destination
			if same := known[c.decision()]; same != nil {
				c = same
			} else {
				known[c.decision()] = c
				all = append(all, c)
			}
			c.inside, c.outside = c.inside || !want.outside, c.outside || want.outside
			against[c.by] = against[c.by] || c.fate != c.want
			if want.by.IsValid() && !slices.Contains(c.ranges, want.by) {
				c.ranges = append(c.ranges, want.by)
			}
		}
	}
	kinds := map[kind]*conflict{}
	for _, c := range all {
		// That a rule masquerades what the chain would too is worth no finding
		// beside one that says what it does wrong.
		if c.fate == c.want && against[c.by] {
			continue
		}
		if alike := kinds[c.kind()]; alike != nil && len(c.via) > 0 {
			alike.more++
			continue
		}
		kinds[c.kind()] = c
		out = append(out, c)
	}
	return out, probes.left, rewritten
}

// deciders returns the rules of others that decide against the file, and those
// that masquerade before our chain would.
func (n Node) deciders(want netfilter.Fate, r netfilter.Result) []*conflict {
	var out []*conflict
	for _, o := range r.Outcomes {
		switch {
		case o.By.Table == nil || n.ours(o.By, o.Via), o.Fate == want && want == netfilter.Kept:
			continue
		case o.By.Rule == nil && o.Fate == netfilter.Undetermined && n.unread(backendOf(o.By.Table), family(o.By.Table)) != nil:
			continue // a finding of its own
		}
		out = append(out, &conflict{fate: o.Fate, to: o.To, by: o.By, via: o.Via, doubts: o.Doubts})
	}
	if want != netfilter.Masqueraded || !r.May(netfilter.Kept) {
		return out
	}
	for _, e := range r.Exits {
		// An exit of another base chain does not keep the packet from ours.
		if e.Ends && !n.ours(e.Place, e.Via) && n.holdsOurs(e.Table) {
			out = append(out, &conflict{fate: netfilter.Kept, by: e.Place, via: e.Via, doubts: e.Doubts})
		}
	}
	return out
}

// ours reports whether a rule is an agent's: this one's, or another's, which is a
// finding of its own.
func (n Node) ours(p netfilter.Place, via []netfilter.Place) bool {
	for _, q := range append(slices.Clip(via), p) {
		for _, name := range append(backends.AgentChains(), n.ChainName) {
			if masq.Owns(q, name) {
				return true
			}
		}
	}
	return false
}

// holdsOurs reports whether a table has the rules that the agent manages.
func (n Node) holdsOurs(t *netfilter.Table) bool {
	for _, c := range t.Chains {
		if masq.Owns(netfilter.Place{Table: t, Chain: c}, n.ChainName) {
			return true
		}
	}
	return false
}

// decision is a rule and what it does against which verdict of the file.
type decision struct {
	by         netfilter.Place
	fate, want netfilter.Fate
	to         netfilter.AddressRange
}

func (c *conflict) decision() decision { return decision{c.by, c.fate, c.want, c.to} }

// kind is what conflicts have in common that are one to the reader, such as
// those of the chains that a CNI plugin makes for each pod. A rule of the base
// chain itself is of its own kind.
type kind struct {
	fate, want              netfilter.Fate
	to                      netfilter.AddressRange
	inner, inside, outside  bool
	who, conditions, ranges string
}

func (c *conflict) kind() kind {
	return kind{c.fate, c.want, c.to, len(c.via) > 0, c.inside, c.outside, c.who(), conditions(c.by.Rule), join(c.ranges)}
}

// conditions returns a rule's conditions as text.
func conditions(r *netfilter.Rule) string {
	if r == nil {
		return ""
	}
	var out []string
	for _, step := range r.Steps {
		if c, ok := step.(netfilter.Condition); ok {
			out = append(out, c.Text)
		}
	}
	return strings.Join(out, " ")
}

// path returns the rules from the base chain to the one that decides.
func (c *conflict) path() []netfilter.Place { return append(slices.Clip(c.via), c.by) }

// entry is the rule of the base chain.
func (c *conflict) entry() netfilter.Place { return c.path()[0] }
