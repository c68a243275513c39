// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// query is one route lookup.
type query struct {
	src, dst netip.Addr
	in       int // the incoming device; 0 for packets of the node itself
	mark     uint32
}

// lookup sends one RTM_GETROUTE, see rtnetlink(7).
func (r *Routes) lookup(q query) (Route, error) {
	if !q.dst.IsValid() {
		return Route{}, nil
	}
	r.requests++
	messages, err := r.conn.Execute(q.message(), unix.RTM_GETROUTE, netlink.Request)
	switch {
	case noRoute(err):
		return Route{}, nil
	case err != nil:
		return Route{}, err
	}
	for _, m := range messages {
		if m, ok := m.(*rtnetlink.RouteMessage); ok {
			return r.route(m), nil
		}
	}
	return Route{}, errors.New("the kernel's answer has no route")
}

// noRoute reports whether the kernel's answer means that there is no route, or a
// route of type unreachable, prohibit or blackhole. A kernel without IPv6, for
// example with ipv6.disable=1, answers EOPNOTSUPP or EAFNOSUPPORT.
func noRoute(err error) bool {
	return slices.ContainsFunc([]error{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES, unix.EINVAL, unix.EXDEV, unix.EOPNOTSUPP, unix.EAFNOSUPPORT},
		func(e error) bool { return errors.Is(err, e) })
}

func (r *Routes) route(m *rtnetlink.RouteMessage) Route {
	switch m.Type {
	case unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT, unix.RTN_BLACKHOLE, unix.RTN_THROW:
		return Route{}
	case unix.RTN_LOCAL:
		return Route{Type: m.Type, Device: netfilter.Interface{Name: "lo", Index: 1}} // LOOPBACK_IFINDEX
	}
	index := m.Attributes.OutIface
	for i, hop := range m.Attributes.Multipath {
		switch {
		case i == 0 && index == 0:
			index = hop.Hop.IfIndex
		case hop.Hop.IfIndex != index:
			return Route{Type: m.Type}
		}
	}
	return Route{Type: m.Type, Device: netfilter.Interface{Name: r.names[index], Index: int(index)}}
}

// routeQuery is a RouteMessage with attributes that rtnetlink does not encode.
type routeQuery struct {
	rtnetlink.RouteMessage
	q query
}

func (q query) message() *routeQuery {
	return &routeQuery{q: q, RouteMessage: rtnetlink.RouteMessage{
		Family:     addressFamily(q.dst),
		DstLength:  uint8(q.dst.BitLen()),
		Flags:      unix.RTM_F_FIB_MATCH, // the route itself, with all its next hops
		Attributes: rtnetlink.RouteAttributes{Dst: q.dst.AsSlice(), Mark: q.mark},
	}}
}

// MarshalBinary implements rtnetlink.Message.
func (m *routeQuery) MarshalBinary() ([]byte, error) {
	if m.q.src.IsValid() {
		m.SrcLength = uint8(m.q.src.BitLen())
	}
	b, err := m.RouteMessage.MarshalBinary()
	if err != nil {
		return nil, err
	}
	more := netlink.NewAttributeEncoder()
	if m.q.src.IsValid() {
		more.Bytes(unix.RTA_SRC, m.q.src.AsSlice())
	}
	if m.q.in != 0 {
		more.Uint32(unix.RTA_IIF, uint32(m.q.in))
	}
	attributes, err := more.Encode()
	return append(b, attributes...), err
}

func addressFamily(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
