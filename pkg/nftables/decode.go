// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/printable"
)

// decoder decodes one rule. It follows the rule's expressions through the registers
// and records each condition and each effect.
type decoder struct {
	family    uint8            // of the table
	layer     uint8            // the family of the packet, which a rule of an inet table tests first
	host      binary.ByteOrder // of this machine
	sets      func(name string) (*set, error)
	registers registers
	rule      netfilter.Rule
	clauses   []clause
	ended     bool         // by a verdict; later expressions are never reached
	native    bool         // iptables cannot list it
	options   map[key]bool // the options of iptables that the conditions so far result in
	protocol  byte         // that a condition requires; 0 if none does
}

// clause is the text of one part of a rule, in both languages.
type clause struct {
	order    order  // of the iptables text
	iptables string // empty if iptables has no text for it
	nft      string
	step     int // the condition that has this text, or -1
}

// order is the position of an option in the text of iptables-save.
type order uint8

const (
	bySource order = iota
	byDestination
	byInput
	byOutput
	byProtocol
	byFragment
	byMatch
	byTarget
)

// decodeRule decodes an NFT_MSG_NEWRULE. native means that iptables does not
// show the chain.
func decodeRule(m message, sets func(string) (*set, error), native bool) (netfilter.Rule, error) {
	d := &decoder{family: m.family, layer: m.family, host: binary.NativeEndian, sets: sets, native: native}
	return d.decode(m)
}

func (d *decoder) decode(m message) (netfilter.Rule, error) {
	d.rule.Handle = m.uint64(unix.NFTA_RULE_HANDLE)
	err := eachExpression(m, func(name string, data attributes) error {
		if d.ended {
			return nil
		}
		if err := d.expression(name, data); err != nil {
			return fmt.Errorf("expression %s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return netfilter.Rule{}, err
	}
	if comment, ok := userComment(m.attributes[unix.NFTA_RULE_USERDATA]); ok {
		d.rule.Comment, d.native = comment, true
	}
	d.rule.Native = d.native
	d.finish(m.string(unix.NFTA_RULE_TABLE), m.string(unix.NFTA_RULE_CHAIN))
	return d.rule, nil
}

// expression decodes one expression. An unknown name ends the rule with the verdict
// Other, which can do anything.
func (d *decoder) expression(name string, a attributes) error {
	if !emitted(name, a) {
		d.native = true
	}
	switch name {
	case "payload":
		d.payload(a)
	case "meta":
		d.meta(a)
	case "immediate":
		return d.immediate(a)
	case "bitwise":
		return d.bitwise(a)
	case "byteorder":
		d.byteorder(a)
	case "cmp":
		return d.cmp(a)
	case "range":
		return d.byRange(a)
	case "lookup":
		return d.lookup(a)
	case "fib":
		d.fib(a)
	case "numgen":
		d.numgen(a)
	case "ct":
		d.ct(a)
	case "match":
		d.match(a)
	case "target":
		d.target(a)
	case "masq":
		d.masq(a)
	case "nat":
		d.nat(a)
	case "objref":
		d.objref(a)
	case "counter":
		d.rule.Count = netfilter.Count{Packets: a.uint64(unix.NFTA_COUNTER_PACKETS), Bytes: a.uint64(unix.NFTA_COUNTER_BYTES)}
		d.addText("", "counter")
	case "log":
		d.log(a)
	case "last", "dup": // they do nothing to the packet
		d.addText("", name)
	case "limit":
		d.limit(a)
	case "quota", "connlimit", "dynset":
		d.mayFail(name)
	case "exthdr", "socket", "rt", "osf", "xfrm", "tunnel", "hash", "inner":
		d.unknownLoad(name)
	default: // queue, reject, redir, tproxy, synproxy, notrack, and new ones
		d.verdict(netfilter.Verdict{Action: netfilter.Other, Name: name}, "", printable.Line(name))
	}
	return nil
}

// addText adds the text of an expression that is not a condition and has no effect.
func (d *decoder) addText(iptables, nft string) {
	d.clauses = append(d.clauses, clause{byTarget, iptables, nft, -1})
}

// condition adds a condition. Conditions on something unknown, and those that
// can fail for other reasons, are not understood.
func (d *decoder) condition(loads []load, elements []netfilter.Element, negated bool, c clause) {
	out := netfilter.Condition{Elements: elements, Negated: negated}
	for _, l := range loads {
		if l.unsure || l.operand.Field == netfilter.Opaque {
			out = netfilter.Condition{Uncertain: true}
			break
		}
		out.Key = append(out.Key, l.operand)
	}
	d.add(out, c)
}

func (d *decoder) add(c netfilter.Condition, text clause) {
	text.step = len(d.rule.Steps)
	d.rule.Steps = append(d.rule.Steps, c)
	d.clauses = append(d.clauses, text)
}

// mayFail adds a condition that is not understood.
func (d *decoder) mayFail(name string) {
	d.add(netfilter.NotUnderstood(""), clause{order: byMatch, iptables: "-m " + name + " …", nft: name})
}

// unknownLoad decodes an expression that loads an unknown value. The rule may end
// there, because such an expression can fail to load, or match by itself.
func (d *decoder) unknownLoad(name string) {
	d.mayFail(name)
	for i := range d.registers { // it may have written any register
		o := opaque(wordBytes, name)
		d.registers[i].load, d.registers[i].start = &o, i
	}
}

// effect adds a step that is not a condition.
func (d *decoder) effect(s netfilter.Step, iptables, nft string) {
	d.rule.Steps = append(d.rule.Steps, s)
	d.addText(iptables, nft)
}

// verdict adds the verdict that ends the rule.
func (d *decoder) verdict(v netfilter.Verdict, iptables, nft string) {
	d.effect(v, iptables, nft)
	d.ended = true
}

// userComment returns the comment that nft(8) keeps in the user data of a rule:
// type, length and bytes (libnftnl's udata.h, NFTNL_UDATA_RULE_COMMENT).
func userComment(data []byte) (string, bool) {
	for len(data) >= 2 && len(data) >= 2+int(data[1]) {
		if data[0] == 0 {
			return unix.ByteSliceToString(data[2:][:data[1]]), true
		}
		data = data[2+int(data[1]):]
	}
	return "", false
}
