// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

const (
	keyKeep   = "nonMasqueradeCIDRs"
	keyExcept = "masqueradeCIDRs"
)

// slips returns what a good file says but its writer hardly means.
func slips(name string, data []byte, c config.Config, o Options) []config.Problem {
	var out []config.Problem
	for _, r := range masq.FindRedundant(c) {
		p := config.Problem{File: name, Line: lineOf(data, r.Range), Key: keyKeep, Value: r.Range.String(), Remedy: "remove it: it changes nothing"}
		if r.Masquerade {
			p.Key = keyExcept
		}
		switch {
		case r.LinkLocal:
			p.Reason = fmt.Sprintf("lies inside %s, which is link-local and kept anyway", r.By)
		case r.By.IsValid():
			p.Reason = fmt.Sprintf("lies inside %s of the same list", r.By)
		default:
			p.Reason = "is masqueraded anyway, as it lies inside no range of " + keyKeep
		}
		out = append(out, p)
	}
	for _, f := range families(o) {
		if !keepsAny(f, c) {
			where := ""
			if f == netfilter.IPv6 && o.AutoIPv6 {
				where = "on nodes that forward IPv6 "
			}
			out = append(out, config.Problem{
				File: name, Key: keyKeep,
				Reason: fmt.Sprintf("has no %s range, so %sall %s traffic is masqueraded, between pods and to nodes too", f, where, f),
				Remedy: "add the ranges of pods and nodes, unless this is meant",
			})
		}
	}
	out = append(out, uncovered(name, "pods (--pod-cidr)", o.Pods, c, o)...)
	return append(out, uncovered(name, "nodes (--node-cidr)", o.Nodes, c, o)...)
}

func keepsAny(f netfilter.Family, c config.Config) bool {
	for _, p := range c.NonMasquerade {
		if p.Addr().Is4() == (f == netfilter.IPv4) {
			return true
		}
	}
	return false
}

// uncovered warns of the cluster's own ranges whose traffic is masqueraded.
func uncovered(name, whose string, list []netip.Prefix, c config.Config, o Options) []config.Problem {
	var out []config.Problem
	for _, p := range list {
		if p.Addr().Is6() && !o.Config.IPv6 {
			out = append(out, config.Problem{
				File: name, Reason: fmt.Sprintf("cannot cover %s of %s, as IPv6 is off", p, whose), Remedy: "add --enable-ipv6",
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
			remedy = fmt.Sprintf("take %s out of %s, unless it is meant", rule.Destination, keyExcept)
		}
		out = append(out, config.Problem{File: name, Key: keyKeep, Reason: reason, Remedy: remedy})
	}
	return out
}

// lineOf finds a network in the text, 0 if it is not written as one, such as a
// default. The first line is right: further ones are repetitions, of which the
// parser has warned.
func lineOf(data []byte, network netip.Prefix) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		text, _, _ := strings.Cut(string(line), "#")
		words := strings.FieldsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF.:/", r) })
		for _, w := range words {
			if p, err := netip.ParsePrefix(w); err == nil && p.Masked() == network {
				return i + 1
			}
		}
	}
	return 0
}
