// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// checkForeignRules reports rules of other programs that contradict the file. It
// sends packets through all rules and compares the outcomes with the file.
func checkForeignRules(n Node) []Finding {
	var out []Finding
	for _, f := range n.families() {
		policy, err := n.policy(f)
		if err != nil {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(),
				What: fmt.Sprintf("cannot tell whether a rule of another program contradicts the last valid file: %v", err)})
			continue
		}
		found, tested, rewritten := n.conflicts(f, policy)
		for _, c := range found {
			out = append(out, c.finding(&n))
		}
		if rewritten {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(),
				What: "a rule writes into the packet's header, so what happens to such traffic after it cannot be told"})
		}
		if tested.bitRule != "" {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(), Rules: []string{tested.bitRule},
				What: "a rule tests single bits of the destination, so not all addresses that it matches were tested"})
		}
		if tested.omitted > 0 {
			out = append(out, Finding{Check: "foreign-rule", Severity: Unchecked, Family: f.String(),
				What: fmt.Sprintf("there are too many rules and ranges: %d addresses at the ends of ranges were not tested", tested.omitted)})
		}
	}
	if len(out) == 0 && n.BackendErr == nil {
		what := "no rule of another program contradicts the file"
		if n.ConfigErr != nil {
			what = "no rule of another program contradicts the last valid file"
		}
		out = append(out, n.nothing("foreign-rule", what))
	}
	return out
}

// conflict is what a rule of another program does with traffic for which the file
// says something else.
type conflict struct {
	family netfilter.Family
	want   netfilter.Fate // by the file
	fate   netfilter.Fate // by the rule
	to     netfilter.AddressRange
	by     netfilter.Place   // the rule
	via    []netfilter.Place // the rules that lead to it
	doubts []netfilter.Doubt
	ranges []netip.Prefix // of the file, that contain the destinations
	sample netip.Addr     // one destination
	// inside and outside mean that some of the traffic comes from a source that
	// the file masquerades, and from one that it does not.
	inside, outside bool
	more            int // how many other rules are alike
}

// conflicts returns the conflicts of a family, and of those that are alike only
// one. tested are the packets that were sent through the rules. rewritten means that
// a rule may write into the header of a packet, which makes the outcome unknown.
func (n *Node) conflicts(f netfilter.Family, policy []iptables.Rule) (out []*conflict, tested probes, rewritten bool) {
	tested = newProbes(n, f, policy)
	var all []*conflict
	known := map[decision]*conflict{}
	contradicts := map[netfilter.Place]bool{}
	for source, destination := range tested.each() {
		file := predict.ByFile(policy, source, destination)
		// The device is not known, and without sourceCIDRs neither is the source. A
		// rule that tests them may match.
		kernel := n.Rules.Walk(predict.Connection{Source: source, Destination: destination}.Packet())
		rewritten = rewritten || slices.ContainsFunc(kernel.Outcomes, func(o netfilter.Outcome) bool {
			return o.By.Table == nil && o.Fate == netfilter.Undetermined
		})
		for _, c := range n.foreign(f, file.Fate, kernel) {
			c.sample = destination
			if same := known[c.decision()]; same != nil {
				c = same
			} else {
				known[c.decision()] = c
				all = append(all, c)
			}
			c.inside, c.outside = c.inside || !file.OutsideSources, c.outside || file.OutsideSources
			contradicts[c.by] = contradicts[c.by] || c.fate != c.want
			if p := file.Range(); !file.OutsideSources && p.IsValid() && !slices.Contains(c.ranges, p) {
				c.ranges = append(c.ranges, p)
			}
		}
	}
	kinds := map[kind]*conflict{}
	for _, c := range all {
		// A rule that contradicts the file needs no second finding about traffic
		// that it treats as the file says.
		if c.fate == c.want && contradicts[c.by] {
			continue
		}
		if alike := kinds[c.kind()]; alike != nil && len(c.via) > 0 {
			alike.more++
			continue
		}
		kinds[c.kind()] = c
		out = append(out, c)
	}
	return out, tested, rewritten
}

// foreign returns the rules of other programs that contradict the file, and those
// that masquerade before the agent's rules do.
func (n *Node) foreign(f netfilter.Family, want netfilter.Fate, kernel netfilter.Result) []*conflict {
	var out []*conflict
	for _, o := range kernel.Outcomes {
		switch {
		case o.By.Table == nil || ofAgents(n.ChainName, o.By, o.Via), o.Fate == want && want == netfilter.Kept:
			continue
		case o.By.Rule == nil && o.Fate == netfilter.Undetermined && n.unread(backendOf(o.By.Table), f) != nil:
			continue // reported by another check
		}
		out = append(out, &conflict{family: f, want: want, fate: o.Fate, to: o.To, by: o.By, via: o.Via, doubts: o.Doubts})
	}
	if want != netfilter.Masqueraded || !kernel.May(netfilter.Kept) {
		return out
	}
	for _, e := range n.Rules.Bypasses(kernel) {
		if !ofAgents(n.ChainName, e.Place, e.Via) {
			out = append(out, &conflict{family: f, want: want, fate: netfilter.Kept, by: e.Place, via: e.Via, doubts: e.Doubts})
		}
	}
	return out
}

// ofAgents reports whether a rule, or one that leads to it, is an agent's. Another
// agent's rules are reported by checkOtherAgents.
func ofAgents(own string, by netfilter.Place, via []netfilter.Place) bool {
	for _, p := range append(slices.Clip(via), by) {
		for _, name := range append(backend.AgentChains(), own) {
			if masq.Owns(p, name) {
				return true
			}
		}
	}
	return false
}

// decision identifies a conflict.
type decision struct {
	by         netfilter.Place
	fate, want netfilter.Fate
	to         netfilter.AddressRange
}

func (c *conflict) decision() decision { return decision{c.by, c.fate, c.want, c.to} }

// kind is what conflicts that are reported as one have in common. An example are
// the chains that a CNI plugin makes for each pod. Rules of the base chain are always
// reported one by one.
type kind struct {
	fate, want              netfilter.Fate
	to                      netfilter.AddressRange
	inner, inside, outside  bool
	who, conditions, ranges string
}

func (c *conflict) kind() kind {
	return kind{c.fate, c.want, c.to, len(c.via) > 0, c.inside, c.outside, c.who(), conditions(c.by), join(c.ranges)}
}

// conditions returns a rule's conditions as text.
func conditions(p netfilter.Place) string {
	var out []string
	for _, c := range p.Conditions() {
		out = append(out, c.Text)
	}
	return strings.Join(out, " ")
}

// path returns the rules from the base chain to the one that decides.
func (c *conflict) path() []netfilter.Place { return append(slices.Clip(c.via), c.by) }

// entry returns the rule of the base chain.
func (c *conflict) entry() netfilter.Place { return c.path()[0] }
