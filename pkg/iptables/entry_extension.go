// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// is reports whether this is a revision whose data has the expected length.
func (x extension) is(name string, revision byte, length int) bool {
	return x.name == name && x.revision == revision && len(x.info) >= length
}

// matchOf copies a match to a Rule. It returns false if a Rule cannot represent it.
// The data is the C structure of linux/netfilter/xt_*.h, in the byte order of the
// host.
func matchOf(x extension, r *Rule) bool {
	host := binary.NativeEndian
	switch {
	case x.is("comment", 0, 1) && r.Comment == "":
		r.Comment = unix.ByteSliceToString(x.info)
		return r.Comment != "" // a Rule cannot represent an empty comment
	case x.is("addrtype", 1, 8) && !r.NotLocal:
		const invertDestination = 2
		source, destination, flags := host.Uint16(x.info), host.Uint16(x.info[2:]), host.Uint32(x.info[4:])
		r.NotLocal = true
		return source == 0 && destination == 1<<netfilter.TypeLocal && flags == invertDestination
	case x.is("statistic", 0, 8) && r.Probability == 0:
		mode, flags, probability := host.Uint16(x.info), host.Uint16(x.info[2:]), host.Uint32(x.info[4:])
		r.Probability = float64(probability) / (1 << randomBits)
		return mode == 0 && flags == 0 && probability > 0
	}
	return false
}

// targetOf copies the target of an entry to a Rule, without the name of a chain. It
// returns false if a Rule cannot represent it.
func (t entries) targetOf(e entry, r *Rule) bool {
	if v, ok := e.verdict(); ok {
		if v == verdictReturn {
			r.Target = Return
			return true
		}
		return v > 0 && int(v) != e.next() // a rule without a target goes to the next
	}
	x := extensionAt(e.data[e.target:])
	// IPv4 has struct nf_nat_ipv4_multi_range_compat with one range, IPv6 struct
	// nf_nat_range.
	flags, ports := 4, 16
	if t.family == netfilter.IPv6 {
		flags, ports = 0, 36
	}
	if !x.is(Masquerade, 0, ports+4) || t.family == netfilter.IPv4 && binary.NativeEndian.Uint32(x.info) != 1 {
		return false
	}
	r.Target = Masquerade
	switch f := binary.NativeEndian.Uint32(x.info[flags:]); {
	case f&^(unix.NF_NAT_RANGE_PROTO_SPECIFIED|unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY) != 0:
		return false
	case f&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0:
		r.ToPorts = netfilter.PortRange{From: binary.BigEndian.Uint16(x.info[ports:]), To: binary.BigEndian.Uint16(x.info[ports+2:])}
		fallthrough
	default:
		r.RandomFully = f&unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY != 0
	}
	return true
}
