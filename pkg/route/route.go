// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package route answers: where does this node send a packet to an address, and
// is the address the node's own?
//
// It asks the kernel itself, by netlink, because its routing table knows what a
// list of interface addresses does not: 127.0.0.0/8 is LOCAL as a whole, a
// broadcast address is not, and a route of type local may make any range so.
package route

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netlink"
)

// Route is the way to one address.
type Route struct {
	Local  bool   // the kernel calls the address LOCAL, as -m addrtype does
	Device string // by which it leaves; empty if there is no route
}

// Lookup asks the kernel of this network namespace. That there is no route is
// no error.
func Lookup(dst netip.Addr) (Route, error) {
	if !dst.IsValid() {
		return Route{}, errors.New("looking up a route: no address")
	}
	route, err := ask(dst.Unmap())
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return Route{}, nil // none, or one of type unreachable, prohibit or blackhole
	case err != nil:
		return Route{}, fmt.Errorf("looking up the route to %s: %w", dst, err)
	}
	return route, nil
}

// ask is RTM_GETROUTE of rtnetlink(7) with the one attribute RTA_DST.
func ask(dst netip.Addr) (Route, error) {
	header := make([]byte, unix.SizeofRtMsg)
	header[0], header[1] = unix.AF_INET, byte(dst.BitLen()) // rtm_family, rtm_dst_len
	if dst.Is6() {
		header[0] = unix.AF_INET6
	}
	q := netlink.Question{
		Protocol:   unix.NETLINK_ROUTE,
		Kind:       unix.RTM_GETROUTE,
		Header:     header,
		Attributes: netlink.Attribute(unix.RTA_DST, dst.AsSlice()),
	}
	var r Route
	found := false
	err := netlink.Ask(q, func(kind uint16, body []byte) error {
		if kind == unix.RTM_NEWROUTE && len(body) >= unix.SizeofRtMsg {
			r, found = parse(body), true
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("the kernel's answer has no route")
	}
	return r, err
}

// parse reads struct rtmsg and its attributes.
func parse(body []byte) Route {
	r := Route{Local: body[7] == unix.RTN_LOCAL} // rtm_type
	netlink.Attributes(body[unix.SizeofRtMsg:], func(kind uint16, value []byte) {
		if kind != unix.RTA_OIF || len(value) < 4 {
			return
		}
		if i, err := net.InterfaceByIndex(int(binary.NativeEndian.Uint32(value))); err == nil {
			r.Device = i.Name
		}
	})
	return r
}
