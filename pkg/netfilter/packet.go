// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

import (
	"encoding/binary"
	"net/netip"
)

// Packet is the first packet of a connection at the postrouting hook. DNAT has
// already happened, so the destination is never the address of a Service.
type Packet struct {
	Source      netip.Addr // the zero Addr if it is not known
	Destination netip.Addr
	// DestinationType and SourceType are the types of the addresses in the
	// routing table, RTN_UNICAST and so on, see rtnetlink(7); 0 if not known.
	DestinationType, SourceType uint8
	Out                         Interface
	Protocol                    uint8 // IPPROTO_TCP and so on; 0 if not known
}

// Interface is the network device through which a packet leaves.
type Interface struct {
	Name  string // empty if it is not known
	Index int    // 0 if it is not known
}

// The route types of rtnetlink(7) that matter here.
const (
	TypeUnicast = 1
	TypeLocal   = 2
)

// TypeNames returns the names of the route types in iptables' match addrtype, from
// type 0 on.
func TypeNames() []string {
	return []string{"UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"}
}

// KubeMark is the packet mark with which kube-proxy requests masquerading
// (--iptables-masquerade-bit). [Ruleset.Walk] assumes that it is not set:
// kube-proxy sets it on packets to Services and clears it in its own rules.
const KubeMark = 0x4000

// state is what is known about a packet at one point on its way through the
// rules. Some rules change it.
type state struct {
	family          Family
	network         value // the network header, without options
	mark            value
	protocol        value
	outName         value
	outIndex        value
	destinationType value
	sourceType      value
	rewritten       bool // a rule overwrote, or may have overwritten, the source address
}

const (
	nfprotoIPv4 = 2  // NFPROTO_IPV4, linux/netfilter.h
	nfprotoIPv6 = 10 // NFPROTO_IPV6

	// InterfaceBytes is the size of an interface name padded with zeros
	// (IFNAMSIZ).
	InterfaceBytes = 16

	protocolOffset = 9 // of IPv4, RFC 791, section 3.1
)

func newState(p Packet) state {
	f := FamilyOf(p.Destination)
	s := state{
		family:          f,
		network:         unknownValue(f.headerBytes()),
		mark:            unknownValue(4),
		protocol:        unknownValue(1),
		outName:         unknownValue(InterfaceBytes),
		outIndex:        unknownValue(4),
		destinationType: unknownValue(4),
		sourceType:      unknownValue(4),
	}
	s.network.put(f.SourceOffset(), p.Source.AsSlice()) // no bytes if it is not known
	s.network.put(f.DestinationOffset(), p.Destination.AsSlice())
	if p.Protocol != 0 {
		s.protocol.put(0, []byte{p.Protocol})
		if f == IPv4 {
			s.network.put(protocolOffset, []byte{p.Protocol})
		}
	}
	binary.BigEndian.PutUint32(s.mark.known, KubeMark)
	if p.Out.Name != "" {
		name := make([]byte, InterfaceBytes)
		copy(name[:InterfaceBytes-1], p.Out.Name)
		s.outName.put(0, name)
	}
	putNumber(s.outIndex, uint32(p.Out.Index))
	putNumber(s.destinationType, uint32(p.DestinationType))
	putNumber(s.sourceType, uint32(p.SourceType))
	return s
}

// putNumber sets a four-byte value, unless the number is 0, "not known".
func putNumber(v value, n uint32) {
	if n != 0 {
		v.put(0, Number(n))
	}
}

// join returns what is known about a packet that is in state s or in state o.
func (s state) join(o state) state {
	s.network, s.mark = s.network.join(o.network), s.mark.join(o.mark)
	s.destinationType, s.sourceType = s.destinationType.join(o.destinationType), s.sourceType.join(o.sourceType)
	s.rewritten = s.rewritten || o.rewritten
	return s
}

// equal reports whether the same is known in both states.
func (s state) equal(o state) bool {
	return s.network.equal(o.network) && s.mark.equal(o.mark) &&
		s.destinationType.equal(o.destinationType) && s.sourceType.equal(o.sourceType) && s.rewritten == o.rewritten
}

// changed returns the state after an unknown change: the mark and the header are
// unknown.
func (s state) changed() state {
	s.mark = unknownValue(len(s.mark.bits))
	return s.rewrite(Rewrite{Offset: 0, Length: len(s.network.bits)})
}

// rewrite returns the state after a part of the header was overwritten. The type
// of an overwritten address is unknown too, because the kernel looks it up for
// each condition.
func (s state) rewrite(r Rewrite) state {
	s.network = s.network.clone() // states share their values
	s.network.forget(r.Offset, r.Length)
	overlaps := func(offset int) bool {
		return r.Offset < offset+s.family.AddressBytes() && offset < r.Offset+r.Length
	}
	if overlaps(s.family.DestinationOffset()) {
		s.destinationType = unknownValue(len(s.destinationType.bits))
	}
	if overlaps(s.family.SourceOffset()) {
		s.sourceType, s.rewritten = unknownValue(len(s.sourceType.bits)), true
	}
	return s
}
