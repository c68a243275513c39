// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"slices"
	"sort"
	"strings"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// finish gives the rule and its conditions their texts.
func (d *decoder) finish(table, chain string) {
	text := func(c clause) string {
		if d.native {
			return c.nft
		}
		return c.iptables
	}
	for _, c := range d.clauses {
		if c.step < 0 {
			continue
		}
		if condition, ok := d.rule.Steps[c.step].(netfilter.Condition); ok {
			condition.Text = text(c)
			d.rule.Steps[c.step] = condition
		}
	}
	clauses, out := d.clauses, "add rule "+familyName(d.family)+" "+printable.Line(table)+" "+printable.Line(chain)
	if !d.native {
		clauses, out = slices.Clone(clauses), "-A "+printable.Line(chain)
		sort.SliceStable(clauses, func(i, j int) bool { return clauses[i].order < clauses[j].order })
	}
	last := ""
	for _, c := range clauses {
		// Conditions of one match have one text.
		if s := text(c); s != "" && (s != last || c.step < 0) {
			out += " " + s
			last = s
		}
	}
	if d.native && d.rule.Comment != "" && !strings.Contains(out, " comment ") {
		out += " comment " + quoted(d.rule.Comment)
	}
	d.rule.Text = out
}

// quoted returns a text in quotation marks, as nft(8) prints it.
func quoted(s string) string { return `"` + printable.Line(s) + `"` }

// iptablesString returns a text as iptables-save prints it: in quotation marks
// unless it has only letters, digits, - and _ (xtables_save_string).
func iptablesString(s string) string {
	plain := s != ""
	for _, r := range s {
		plain = plain && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	if plain {
		return s
	}
	return `"` + printable.Line(strings.NewReplacer(`"`, `\"`, `\`, `\\`, `'`, `\'`).Replace(s)) + `"`
}

func iptablesVerdict(v netfilter.Verdict) string {
	switch v.Action {
	case netfilter.Accept:
		return "-j ACCEPT"
	case netfilter.Drop:
		return "-j DROP"
	case netfilter.Return:
		return "-j RETURN"
	case netfilter.Jump:
		return "-j " + printable.Line(v.Chain)
	case netfilter.Goto:
		return "-g " + printable.Line(v.Chain)
	}
	return ""
}

func nftVerdict(v netfilter.Verdict) string {
	out := ""
	switch v.Action {
	case netfilter.Accept:
		return "accept"
	case netfilter.Drop:
		return "drop"
	case netfilter.Return:
		return "return"
	case netfilter.Jump:
		return "jump " + printable.Line(v.Chain)
	case netfilter.Goto:
		return "goto " + printable.Line(v.Chain)
	case netfilter.Continue:
		return "continue"
	case netfilter.Masquerade:
		out = "masquerade"
	case netfilter.SNAT:
		out = "snat"
	default:
		return printable.Line(v.Name)
	}
	to := ""
	if v.To.From.IsValid() {
		to = v.To.From.String()
		if v.To.From.Is6() && v.Ports != (netfilter.PortRange{}) {
			to = "[" + to + "]"
		}
		if v.To.To != v.To.From {
			to += "-" + v.To.To.String()
		}
	} else if v.Action == netfilter.SNAT {
		to = "…"
	}
	if v.Ports != (netfilter.PortRange{}) {
		to += ":" + portsText(v.Ports)
	}
	if to != "" {
		out += " to " + to
	}
	if v.RandomFully {
		out += " fully-random"
	}
	return out
}
