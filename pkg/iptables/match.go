// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net/netip"
	"strconv"
	"strings"
)

// Answer is whether a packet meets a condition, as far as can be told.
type Answer uint8

// The answers.
const (
	No Answer = iota
	Maybe
	Yes
)

func (a Answer) not() Answer { return Yes - a }

func answer(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// Packet is the first packet of a connection, as POSTROUTING sees it: behind
// any DNAT, so its destination is never a Service's address. It carries no
// mark: kube-proxy marks what it wants masqueraded, and that is its own affair.
type Packet struct {
	Source      netip.Addr // the zero Addr is not known
	Destination netip.Addr
	Local       Answer // whether the destination is LOCAL to the node
	Out         string // the device it leaves by; empty is not known
	Protocol    string // tcp, udp, …; empty is not known
}

// Matches tells whether the rule takes the packet: no as soon as one condition
// does not hold, yes if all of them do.
func (e Entry) Matches(p Packet) Answer {
	a := Yes
	for _, c := range e.conditions {
		a = min(a, c.holds(p))
	}
	return a
}

// condition is one match of a rule.
type condition struct {
	option, text string
	unknown      bool
	prefix       netip.Prefix // of -s and -d
	holds        func(Packet) Answer
}

// unknown is a condition that can go either way.
func unknown(text string) condition {
	return condition{text: text, unknown: true, holds: func(Packet) Answer { return Maybe }}
}

func newCondition(negated bool, option string, arguments []string) condition {
	text := strings.Join(append([]string{option}, arguments...), " ")
	if negated {
		text = "! " + text
	}
	c := unknown(text)
	c.option = option
	if len(arguments) != 1 {
		return c
	}
	holds := judge(option, arguments[0])
	if holds == nil {
		return c
	}
	c.unknown, c.holds = false, holds
	if option == "-s" || option == "-d" {
		c.prefix, _ = netip.ParsePrefix(arguments[0]) // holds has read it
	}
	if negated {
		c.holds = func(p Packet) Answer { return holds(p).not() }
	}
	return c
}

// judge returns what an option of iptables(8) or iptables-extensions(8) asks of
// a packet, nil if that is not known here.
func judge(option, argument string) func(Packet) Answer {
	switch option {
	case "-s":
		return inside(argument, func(p Packet) netip.Addr { return p.Source })
	case "-d":
		return inside(argument, func(p Packet) netip.Addr { return p.Destination })
	case "-o":
		return func(p Packet) Answer { return device(argument, p.Out) }
	case "-p":
		return func(p Packet) Answer {
			if p.Protocol == "" {
				return Maybe
			}
			return answer(protocolName(argument) == p.Protocol)
		}
	case "--dst-type":
		if argument == "LOCAL" {
			return func(p Packet) Answer { return p.Local }
		}
	case "--mark":
		return marked(argument)
	}
	return nil
}

func inside(argument string, of func(Packet) netip.Addr) func(Packet) Answer {
	prefix, err := netip.ParsePrefix(argument)
	if err != nil { // such as a mask with holes
		return nil
	}
	return func(p Packet) Answer {
		addr := of(p)
		if !addr.IsValid() {
			return Maybe
		}
		return answer(prefix.Contains(addr))
	}
}

// device compares as -o does: a name that ends in + is the start of a name.
func device(pattern, name string) Answer {
	if name == "" {
		return Maybe
	}
	if start, ok := strings.CutSuffix(pattern, "+"); ok {
		return answer(strings.HasPrefix(name, start))
	}
	return answer(pattern == name)
}

// marked compares VALUE/MASK with a packet that has no mark.
func marked(argument string) func(Packet) Answer {
	value, _, _ := strings.Cut(argument, "/")
	v, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return nil
	}
	return func(Packet) Answer { return answer(v == 0) }
}
