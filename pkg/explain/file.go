// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/pkg/predict"
)

// Policy is what the agent should have in the kernel for one IP family.
type Policy struct {
	From  string // file, or default if there is no file
	Chain string
	Rules []iptables.Rule // of the chain; nil if the agent does not manage the family
	Table *nftables.Spec  // the same as a table, on the backend nftables; otherwise nil
}

// ByFile answers a question by what the file asks for.
func ByFile(q Question, p Policy) Answer {
	a := newAnswer(q, p.From)
	a.Verdict = netfilter.Kept
	switch {
	case a.Local:
		a.Why = whyLocal
		return a
	case p.Rules == nil:
		a.Why = "the agent has no IPv6 rules without --enable-ipv6"
		return a
	}
	d := predict.ByFile(p.Rules, q.Source, q.Destination)
	a.Verdict, a.decisive, a.notPod = d.Fate, d.Range(), a.notPod || d.OutsideSources
	switch {
	case p.Table != nil:
		text, place := p.Table.Deciding(q.Source, q.Destination)
		a.Rule, a.Place = text, fmt.Sprintf("table %s %s, %s", q.Family().NFT(), nftables.TableName, place)
	case d.Rule != nil:
		a.Rule = fmt.Sprintf("-A %s %s", p.Chain, d.Rule)
	}
	switch {
	case d.Rule == nil:
		a.Why = p.whyNoRule(q)
	case a.decisive.IsValid():
		a.Why = contains(a.decisive)
	default:
		a.Why = noCIDR
	}
	return a
}

// whyNoRule explains why no rule of the chain matches.
func (p Policy) whyNoRule(q Question) string {
	if slices.ContainsFunc(p.Rules, func(r iptables.Rule) bool { return r.Target == iptables.Masquerade }) {
		return fmt.Sprintf("no CIDR of sourceCIDRs contains %s", q.Source)
	}
	return fmt.Sprintf("sourceCIDRs has no %s CIDR, so nothing is masqueraded", q.Family())
}

// whyLocal is why packets of pods to the node itself keep their source: they pass
// INPUT and not POSTROUTING.
const whyLocal = "the destination is an address of this node, so packets do not pass the agent's rules"

// noCIDR is why a rule without a destination decides.
const noCIDR = "no CIDR of the agent's rules contains it"

func contains(r fmt.Stringer) string { return fmt.Sprintf("%s contains it", r) }

// WrittenIn sets the line of the CIDR that decides.
func (a Answer) WrittenIn(origins config.Origins) Answer {
	a.Line = origins.Destinations[a.decisive].String()
	return a
}

// ReplacedDefault sets Overridden if the file masquerades the destination because
// its list replaced the default list.
func (a Answer) ReplacedDefault(q Question, defaults, list []netip.Prefix) Answer {
	has := func(p netip.Prefix) bool { return p.Contains(q.Destination) }
	if a.From != "file" || a.Verdict != netfilter.Masqueraded || slices.ContainsFunc(list, has) {
		return a
	}
	if i := slices.IndexFunc(defaults, has); i >= 0 {
		a.Overridden = defaults[i].String()
	}
	return a
}
