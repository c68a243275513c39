// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// The targets of an IP-MASQ chain, see iptables-extensions(8).
const (
	Return     = "RETURN"
	Masquerade = "MASQUERADE"
)

// verdictOf returns what a target does. A name that is not iptables' own is a
// chain.
func verdictOf(target string, isGoto bool, options []string) netfilter.Step {
	switch target {
	case "ACCEPT":
		return netfilter.Verdict{Action: netfilter.Accept}
	case "DROP":
		return netfilter.Verdict{Action: netfilter.Drop}
	case Return:
		return netfilter.Verdict{Action: netfilter.Return}
	case Masquerade:
		return masqueradeVerdict(options)
	case "SNAT":
		return snatVerdict(options)
	case "MARK":
		return markStep(options)
	case "CONNMARK":
		if slices.Contains(options, "--restore-mark") {
			return netfilter.SetMark{To: netfilter.Operand{Field: netfilter.Opaque, Length: 4}}
		}
		return netfilter.Verdict{Action: netfilter.Continue}
	case "LOG", "NFLOG", "TRACE", "SET", "CLASSIFY", "DSCP", "TOS", "TTL", "HL", "ECN", "CHECKSUM", "TCPMSS", "TCPOPTSTRIP",
		"CONNSECMARK", "SECMARK", "AUDIT", "IDLETIMER", "LED", "RATEEST", "TEE":
		return netfilter.Verdict{Action: netfilter.Continue}
	}
	switch {
	case slices.Contains(reservedNames(), target): // and not a chain
		return netfilter.Verdict{Action: netfilter.Other, Name: target}
	case isGoto:
		return netfilter.Verdict{Action: netfilter.Goto, Chain: target}
	}
	return netfilter.Verdict{Action: netfilter.Jump, Chain: target}
}

// masqueradeVerdict parses the options of MASQUERADE.
func masqueradeVerdict(options []string) netfilter.Verdict {
	v := netfilter.Verdict{Action: netfilter.Masquerade}
	for i := 0; i < len(options); i++ {
		switch {
		case options[i] == "--random-fully":
			v.RandomFully = true
		case options[i] == "--to-ports" && i+1 < len(options):
			i++
			v.Ports, _ = ParsePortRange(options[i])
		default:
			v.Options = strings.Join(options[i:], " ")
			return v
		}
	}
	return v
}

// snatVerdict parses the options of SNAT. Of several --to-source the kernel
// takes one.
func snatVerdict(options []string) netfilter.Verdict {
	v := netfilter.Verdict{Action: netfilter.SNAT}
	for i, o := range options {
		if o != "--to-source" || i+1 == len(options) {
			continue
		}
		to, ok := sourceRange(options[i+1])
		if !ok || v.To != (netfilter.AddressRange{}) {
			return netfilter.Verdict{Action: netfilter.SNAT}
		}
		v.To = to
	}
	return v
}

// sourceRange parses ADDRESS[-ADDRESS][:PORT[-PORT]], with IPv6 addresses in
// brackets if there is a port.
func sourceRange(s string) (netfilter.AddressRange, bool) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		s, _, _ = strings.Cut(inside, "]")
	} else if strings.Count(s, ":") == 1 {
		s, _, _ = strings.Cut(s, ":")
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err := netip.ParseAddr(first)
	to, errTo := netip.ParseAddr(last)
	return netfilter.AddressRange{From: from, To: to}, err == nil && errTo == nil
}

// markStep parses --set-xmark VALUE/MASK, as which iptables prints all of
// MARK's options: the mark becomes (mark & ^MASK) ^ VALUE.
func markStep(options []string) netfilter.Step {
	unknown := netfilter.SetMark{To: netfilter.Operand{Field: netfilter.Opaque, Length: 4}}
	if len(options) != 2 || options[0] != "--set-xmark" {
		return unknown
	}
	value, mask, ok := masked(options[1])
	if !ok {
		return unknown
	}
	return netfilter.SetMark{To: netfilter.Operand{Field: netfilter.Mark, Length: 4, Mask: netfilter.Number(^mask), Xor: netfilter.Number(value)}}
}
