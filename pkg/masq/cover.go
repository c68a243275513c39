// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// Masqueraded returns a part of a range of destinations that is masqueraded, as
// large as possible, and the rule that does so. It returns false if no part is.
func Masqueraded(c config.Config, within netip.Prefix) (netip.Prefix, iptables.Rule, bool) {
	f := netfilter.FamilyOf(within.Addr())
	if MasqueradesNothing(f, c) {
		return netip.Prefix{}, iptables.Rule{}, false
	}
	c.Source = nil // each of the sources has the same verdict on a destination
	return masqueraded(Options{}.Chain(f, c).Rules, within.Masked())
}

// masqueraded halves a range until the rules have the same verdict on all of it,
// which is the case if none of their ranges lies inside.
func masqueraded(rules []iptables.Rule, within netip.Prefix) (netip.Prefix, iptables.Rule, bool) {
	for _, r := range rules {
		if r.Destination.Bits() <= within.Bits() || !covers(within, r.Destination) { // the zero Prefix has -1 bits
			continue
		}
		for _, half := range halves(within) {
			if part, rule, found := masqueraded(rules, half); found {
				return part, rule, true
			}
		}
		return netip.Prefix{}, iptables.Rule{}, false
	}
	rule, ok := Decide(rules, netip.Addr{}, within.Addr())
	return within, rule, ok && rule.Target == iptables.Masquerade
}

func halves(p netip.Prefix) [2]netip.Prefix {
	bits := p.Bits()
	upper := p.Addr().AsSlice()
	upper[bits/8] |= 0x80 >> (bits % 8)
	a, _ := netip.AddrFromSlice(upper) // cannot fail: the length is that of an address
	return [2]netip.Prefix{netip.PrefixFrom(p.Addr(), bits+1), netip.PrefixFrom(a, bits+1)}
}

// Redundant is a range of the file without effect.
type Redundant struct {
	Range      netip.Prefix
	Masquerade bool         // it is in masqueradeCIDRs
	Source     bool         // it is in sourceCIDRs
	By         netip.Prefix // the range that contains it; the zero Prefix is any destination
	LinkLocal  bool         // By is the range of masqLinkLocal and not in the file
}

// FindRedundant returns the ranges that lie inside a range of the same verdict,
// with no range of the other verdict between the two. It looks up each shorter
// prefix of a range, so the time is linear in the number of ranges.
func FindRedundant(c config.Config) []Redundant {
	var out []Redundant
	for _, f := range netfilter.Families() {
		local := linkLocal(f, c)
		all := slices.Concat(ranges(f, c.NonMasquerade, false), ranges(f, c.Masquerade, true))
		verdicts := map[netip.Prefix]bool{}
		for _, v := range all {
			verdicts[v.destination] = v.masquerade
		}
		for _, v := range all {
			r := Redundant{Range: v.destination, Masquerade: v.masquerade}
			around := true // a destination in no range is masqueraded
			for bits := v.destination.Bits(); bits >= 0; bits-- {
				p := netip.PrefixFrom(v.destination.Addr(), bits).Masked()
				if masquerade, found := verdicts[p]; found && p != v.destination {
					around, r.By = masquerade, p
					break
				}
				if slices.Contains(local, verdict{destination: p}) {
					around, r.By, r.LinkLocal = false, p, true
					break
				}
			}
			if around == v.masquerade {
				out = append(out, r)
			}
		}
		out = append(out, redundantSources(Sources(f, c))...)
	}
	return out
}

// redundantSources returns the source ranges that lie inside another one.
func redundantSources(sources []netip.Prefix) []Redundant {
	all := map[netip.Prefix]bool{}
	for _, p := range sources {
		all[p] = true
	}
	var out []Redundant
	for _, p := range sources {
		for bits := p.Bits() - 1; bits >= 0; bits-- {
			if around := netip.PrefixFrom(p.Addr(), bits).Masked(); all[around] {
				out = append(out, Redundant{Range: p, Source: true, By: around})
				break
			}
		}
	}
	return out
}
