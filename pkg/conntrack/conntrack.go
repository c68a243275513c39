// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package conntrack answers: which connections does the kernel remember, and
// under which address did each leave?
//
// NAT is decided by a connection's first packet and remembered here, so a
// change of rules does not touch the connections that were there before. The
// list is asked for by netlink, which needs NET_ADMIN and no other program.
package conntrack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netlink"
)

// Flow is one connection.
type Flow struct {
	Source   netip.Addr // of its first packet
	Asked    netip.Addr // the destination of its first packet, such as a Service's
	Reached  netip.Addr // the destination behind any DNAT, where the answers come from
	Left     netip.Addr // the source it left with, where the answers go
	Protocol uint8
	Status   uint32 // enum ip_conntrack_status
}

// SourceDone tells that the connection has passed POSTROUTING's nat rules.
func (f Flow) SourceDone() bool { return f.Status&(1<<7) != 0 } // IPS_SRC_NAT_DONE

const (
	nfgenmsg = 4 // bytes: family, version, resource (linux/netfilter/nfnetlink.h)

	// linux/netfilter/nfnetlink_conntrack.h
	ctGet                        = 1
	ctaOrig, ctaReply, ctaStatus = 1, 2, 3
	ctaIP, ctaProto              = 1, 2
	ctaV4Src, ctaV4Dst           = 1, 2
	ctaV6Src, ctaV6Dst           = 3, 4
	ctaProtoNum                  = 1
)

// Each calls f with each connection of one family. A list that changes while
// it is read may show one twice or not at all.
func Each(ipv6 bool, f func(Flow)) error {
	family := byte(unix.AF_INET)
	if ipv6 {
		family = unix.AF_INET6
	}
	q := netlink.Question{
		Protocol: unix.NETLINK_NETFILTER,
		Kind:     unix.NFNL_SUBSYS_CTNETLINK<<8 | ctGet,
		Dump:     true,
		Header:   []byte{family, nfgenmsg - 1: 0},
	}
	err := netlink.Ask(q, func(_ uint16, body []byte) error {
		if len(body) < nfgenmsg {
			return errors.New("a connection is cut off")
		}
		f(flow(body[nfgenmsg:]))
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing connections: %w", err)
	}
	return nil
}

func flow(b []byte) Flow {
	var f Flow
	netlink.Attributes(b, func(kind uint16, value []byte) {
		switch kind {
		case ctaOrig:
			f.Source, f.Asked, f.Protocol = tuple(value)
		case ctaReply:
			f.Reached, f.Left, _ = tuple(value)
		case ctaStatus:
			if len(value) == 4 {
				f.Status = binary.BigEndian.Uint32(value)
			}
		}
	})
	return f
}

func tuple(b []byte) (source, destination netip.Addr, protocol uint8) {
	netlink.Attributes(b, func(kind uint16, value []byte) {
		netlink.Attributes(value, func(inner uint16, value []byte) {
			address, _ := netip.AddrFromSlice(value)
			switch {
			case kind == ctaIP && (inner == ctaV4Src || inner == ctaV6Src):
				source = address
			case kind == ctaIP && (inner == ctaV4Dst || inner == ctaV6Dst):
				destination = address
			case kind == ctaProto && inner == ctaProtoNum && len(value) == 1:
				protocol = value[0]
			}
		})
	})
	return source, destination, protocol
}
