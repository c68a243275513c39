// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// setLayout is a set or a verdict map.
type setLayout struct {
	name      string // of an anonymous set a pattern, such as __set%d
	comment   string
	keyType   dataType
	keyBytes  uint32
	byteOrder uint32 // of the keys: hostOrder, networkOrder, or 0 if they have none
	anonymous bool   // belongs to one rule
	interval  bool
	verdicts  bool // a verdict map
	elements  []elementLayout
}

// elementLayout is one element of a set: a range of keys, both ends included, or one
// key if the set has no intervals.
type elementLayout struct {
	from, to []byte
	verdict  netfilter.Verdict // of a verdict map: jump or goto
	text     string            // as nft(8) prints the key
}

// dataType is nft's number for a type of data. The kernel stores it and does
// not use it.
type dataType uint32

// The data types, enum datatypes of nft's include/datatype.h.
const (
	typeInteger   dataType = 4
	typeIPv4Addr  dataType = 7
	typeIPv6Addr  dataType = 8
	typeInetProto dataType = 12
)

// The byte orders, enum byteorder of nft's include/datatype.h.
const (
	hostOrder    = 1
	networkOrder = 2
)

// addressSet returns a named set of ranges of addresses, without elements.
func addressSet(f netfilter.Family, name, comment string) *setLayout {
	s := &setLayout{
		name: name, comment: comment,
		keyType: typeIPv4Addr, keyBytes: uint32(f.AddressBytes()), byteOrder: networkOrder, interval: true,
	}
	if f == netfilter.IPv6 {
		s.keyType = typeIPv6Addr
	}
	return s
}

// sources returns the set of the Spec's source ranges.
func (s Spec) sources() *setLayout {
	set := addressSet(s.Family, sourcesSet, sourcesNote)
	for _, r := range s.Sources {
		set.elements = append(set.elements, addressElement(r))
	}
	return set
}

// addressElement returns the element of a range, without a verdict.
func addressElement(r netfilter.AddressRange) elementLayout {
	return elementLayout{from: r.From.AsSlice(), to: r.To.AsSlice(), text: r.String()}
}

// destinations returns the verdict map of the Spec's intervals.
func (s Spec) destinations() *setLayout {
	m := addressSet(s.Family, destinationsMap, destinationsNote)
	m.verdicts = true
	for _, i := range s.Destinations {
		e := addressElement(netfilter.AddressRange{From: i.From, To: i.To})
		e.verdict = i.verdict()
		m.elements = append(m.elements, e)
	}
	return m
}

// shares returns the verdict map from a random number to the chain of a range
// of ports. Each range has as many numbers as ports. It uses jump, not goto: if a
// chain of ports had no rule for a packet, the rule that masquerades would follow.
func (s Spec) shares() *setLayout {
	m := &setLayout{
		name: "__map%d", keyType: typeInteger, keyBytes: 4, byteOrder: hostOrder,
		anonymous: true, interval: true, verdicts: true,
	}
	next := uint32(0)
	for i, r := range s.ToPorts {
		last := next + uint32(netfilter.Ports(r)) - 1
		e := elementLayout{
			from:    netfilter.Number(next),
			to:      netfilter.Number(last),
			verdict: netfilter.Verdict{Action: netfilter.Jump, Chain: portsChain(i)},
			text:    fmt.Sprintf("%d-%d", next, last),
		}
		if next == last {
			e.text = fmt.Sprint(next)
		}
		m.elements = append(m.elements, e)
		next = last + 1
	}
	return m
}

const transportText = "{ tcp, udp, sctp }"

// transports returns the set of the protocols that have ports.
func transports() *setLayout {
	s := &setLayout{name: "__set%d", keyType: typeInetProto, keyBytes: 1, anonymous: true}
	for _, p := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP} {
		s.elements = append(s.elements, elementLayout{from: []byte{p}, to: []byte{p}})
	}
	return s
}

// flags returns the set's flags, enum nft_set_flags.
func (s *setLayout) flags() uint32 {
	flags := uint32(0)
	if s.interval {
		flags |= unix.NFT_SET_INTERVAL
	}
	if s.anonymous {
		flags |= unix.NFT_SET_ANONYMOUS | unix.NFT_SET_CONSTANT
	}
	if s.verdicts {
		flags |= unix.NFT_SET_MAP
	}
	return flags
}

// inline returns the elements of an anonymous verdict map as nft(8) prints them
// in a rule.
func (s *setLayout) inline() string { return "{ " + strings.Join(s.texts(), ", ") + " }" }

// write prints a named set or verdict map.
func (s *setLayout) write(w io.Writer) {
	kind, keyType := "set", "ipv4_addr"
	if s.keyType == typeIPv6Addr {
		keyType = "ipv6_addr"
	}
	if s.verdicts {
		kind, keyType = "map", keyType+" : verdict"
	}
	fmt.Fprintf(w, "\n\t%s %s {\n\t\tcomment %q\n\t\ttype %s\n\t\tflags interval\n", kind, s.name, s.comment, keyType)
	if len(s.elements) > 0 {
		fmt.Fprintf(w, "\t\telements = {\n\t\t\t%s\n\t\t}\n", strings.Join(s.texts(), ",\n\t\t\t"))
	}
	fmt.Fprint(w, "\t}\n")
}

func (s *setLayout) texts() []string {
	var out []string
	for _, e := range s.elements {
		out = append(out, s.elementText(e))
	}
	return out
}

// elementText returns an element as nft(8) prints it.
func (s *setLayout) elementText(e elementLayout) string {
	if !s.verdicts {
		return e.text
	}
	return e.text + " : " + nftVerdict(e.verdict)
}
