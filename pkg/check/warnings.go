// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

const (
	keyNonMasquerade = "nonMasqueradeCIDRs"
	keyMasquerade    = "masqueradeCIDRs"
	keySource        = "sourceCIDRs"
)

// findWarnings returns warnings about a valid configuration that is probably not
// what its author intended.
func findWarnings(name string, origins config.Origins, c config.Config, o Options) []config.Problem {
	var out []config.Problem
	for _, r := range masq.FindRedundant(c) {
		p, at := config.Problem{Key: keyNonMasquerade, Value: r.Range.String(), Remedy: "remove it: it changes nothing"}, origins.Destinations[r.Range]
		switch {
		case r.Masquerade:
			p.Key = keyMasquerade
		case r.Source:
			p.Key, at = keySource, origins.Sources[r.Range]
		}
		p.File, p.Line = cmp.Or(at.File, name), at.Line
		switch {
		case r.LinkLocal:
			p.Reason = fmt.Sprintf("lies inside %s, which is link-local and not masqueraded anyway", r.By)
		case r.By.IsValid():
			p.Reason = fmt.Sprintf("lies inside %s of the same list", r.By)
		default:
			p.Reason = "is masqueraded anyway, because it lies in no range of " + keyNonMasquerade
		}
		out = append(out, p)
	}
	for _, f := range families(o) {
		where := ""
		if f == netfilter.IPv6 && o.AutoIPv6 {
			where = "on nodes that forward IPv6 "
		}
		switch {
		case masq.MasqueradesNothing(f, c):
			out = append(out, config.Problem{
				File: name, Key: keySource,
				Reason: fmt.Sprintf("has no %s range, so %sno %s traffic is masqueraded", f, where, f),
				Remedy: fmt.Sprintf("add the %s ranges of the pods, unless this is intended", f),
			})
		case !hasRange(c.NonMasquerade, f):
			from := ""
			if len(c.Source) > 0 {
				from = " from " + keySource
			}
			out = append(out, config.Problem{
				File: name, Key: keyNonMasquerade,
				Reason: fmt.Sprintf("has no %s range, so %sall %s traffic%s is masqueraded, also between pods and to nodes", f, where, f, from),
				Remedy: "add the ranges of pods and nodes, unless this is intended",
			})
		}
	}
	out = append(out, uncoveredSources(name, c, o)...)
	out = append(out, uncovered(name, "pods (--pod-cidr)", o.Pods, c, o)...)
	return append(out, uncovered(name, "nodes (--node-cidr)", o.Nodes, c, o)...)
}

// hasRange reports whether a list has a range of an IP family.
func hasRange(list []netip.Prefix, f netfilter.Family) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return netfilter.FamilyOf(p.Addr()) == f })
}

// uncovered warns about ranges of the cluster to which traffic is masqueraded.
func uncovered(name, whose string, list []netip.Prefix, c config.Config, o Options) []config.Problem {
	var out []config.Problem
	for _, p := range list {
		if p.Addr().Is6() && !o.Config.IPv6 {
			out = append(out, config.Problem{
				File: name, Reason: fmt.Sprintf("cannot cover %s of %s, because IPv6 is disabled", p, whose), Remedy: "add --enable-ipv6",
			})
			continue
		}
		part, rule, found := masq.Masqueraded(c, p)
		if !found {
			continue
		}
		reason := fmt.Sprintf("does not cover %s of %s: traffic to it is masqueraded", p, whose)
		if part != p.Masked() {
			reason = fmt.Sprintf("does not cover all of %s of %s: traffic to %s is masqueraded", p, whose, part)
		}
		remedy := "add " + p.Masked().String()
		if rule.Destination.IsValid() {
			remedy = fmt.Sprintf("remove %s from %s, unless this is intended", rule.Destination, keyMasquerade)
		}
		out = append(out, config.Problem{File: name, Key: keyNonMasquerade, Reason: reason, Remedy: remedy})
	}
	return out
}

// uncoveredSources warns about pods whose traffic is not masqueraded, because
// sourceCIDRs does not cover their ranges. findWarnings has another warning for
// IP families without a range in sourceCIDRs.
func uncoveredSources(name string, c config.Config, o Options) []config.Problem {
	var out []config.Problem
	for _, p := range o.Pods {
		part, found := masq.OutsideSources(c, p)
		if !found || masq.MasqueradesNothing(netfilter.FamilyOf(p.Addr()), c) {
			continue
		}
		reason := fmt.Sprintf("does not cover %s of pods (--pod-cidr): traffic from it is not masqueraded", p)
		if part != p.Masked() {
			reason = fmt.Sprintf("does not cover all of %s of pods (--pod-cidr): traffic from %s is not masqueraded", p, part)
		}
		out = append(out, config.Problem{File: name, Key: keySource, Reason: reason, Remedy: "add " + p.Masked().String()})
	}
	return out
}
