// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package host reads what the kernel knows about this node besides its NAT
// rules: routes, devices, connections and eBPF programs. It uses netlink and system
// calls, starts no process and changes nothing.
package host

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Route is the route to an address.
type Route struct {
	// Type is the type of the route, RTN_LOCAL and so on, see rtnetlink(7); 0 if
	// there is no route.
	Type uint8
	// Device is the outgoing device. It is the zero Interface if there is none,
	// or if it depends on more than the addresses.
	Device netfilter.Interface
}

// Local reports whether the address is the node's own.
func (r Route) Local() bool { return r.Type == unix.RTN_LOCAL }

// TypeName returns the type as ip-route(8) names it; "none" if there is no
// route.
func (r Route) TypeName() string {
	switch r.Type {
	case 0:
		return "none"
	case unix.RTN_UNICAST:
		return "unicast"
	case unix.RTN_LOCAL:
		return "local"
	case unix.RTN_BROADCAST:
		return "broadcast"
	case unix.RTN_ANYCAST:
		return "anycast"
	case unix.RTN_MULTICAST:
		return "multicast"
	}
	return fmt.Sprintf("type %d", r.Type)
}

// readDeadline is the time limit of one Routes. A million lookups take about
// 20 s.
const readDeadline = 60 * time.Second

// Routes looks up routes in the kernel, in this network namespace. It reads the
// devices and the policy rules once, and sends one message per lookup. A dump of
// all routes would not be enough, because only the kernel applies policy rules.
type Routes struct {
	conn     *rtnetlink.Conn
	links    []Link
	names    map[uint32]string
	policy   map[uint8]policy // by address family
	known    map[[2]netip.Addr]Route
	requests int // sent so far
}

// OpenRoutes reads the devices and the policy rules.
func OpenRoutes() (*Routes, error) {
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("opening an rtnetlink socket: %w", err)
	}
	r := &Routes{conn: conn, names: map[uint32]string{}, known: map[[2]netip.Addr]Route{}}
	if err := r.read(); err != nil {
		conn.Close()
		return nil, err
	}
	return r, nil
}

func (r *Routes) read() error {
	if err := r.conn.SetReadDeadline(time.Now().Add(readDeadline)); err != nil {
		return fmt.Errorf("setting the deadline of an rtnetlink socket: %w", err)
	}
	r.requests += 2
	links, err := r.conn.Link.List()
	if err != nil {
		return fmt.Errorf("listing devices: %w", err)
	}
	for _, l := range links {
		if l.Attributes == nil {
			continue
		}
		r.names[l.Index] = l.Attributes.Name
		r.links = append(r.links, Link{
			Interface: netfilter.Interface{Name: l.Attributes.Name, Index: int(l.Index)},
			xdp:       l.Attributes.XDP != nil && l.Attributes.XDP.Attached != 0,
		})
	}
	r.policy = readPolicy(r.conn)
	return nil
}

// Close closes the socket.
func (r *Routes) Close() error { return r.conn.Close() }

// To returns the route to an address. A missing route is not an error.
func (r *Routes) To(dst netip.Addr) (Route, error) { return r.Between(netip.Addr{}, dst) }

// Between returns the route of packets from src to dst. The zero Addr as src
// stands for any pod. The source matters only if policy rules test it.
func (r *Routes) Between(src, dst netip.Addr) (Route, error) {
	if !dst.IsValid() {
		return Route{}, errors.New("looking up a route: the destination is not an address")
	}
	src, dst = src.Unmap(), dst.Unmap()
	p := r.policy[addressFamily(dst)]
	if !p.selective {
		src = netip.Addr{}
	}
	key := [2]netip.Addr{src, dst}
	if route, found := r.known[key]; found {
		return route, nil
	}
	route, err := r.between(p, src, dst)
	if err != nil {
		return Route{}, fmt.Errorf("looking up the route to %s: %w", dst, err)
	}
	r.known[key] = route
	return route, nil
}

// between looks the route up once for each packet mark that policy rules test.
// The device is known if all lookups agree.
func (r *Routes) between(p policy, src, dst netip.Addr) (Route, error) {
	plain, err := r.lookup(query{dst: dst})
	if err != nil || plain.Local() || !p.selective && len(p.marks) == 0 {
		return plain, err
	}
	q := query{dst: dst}
	if p.selective {
		from, err := r.lookup(query{dst: src})
		if err != nil {
			return Route{}, err
		}
		if p.opaque || !src.IsValid() || from.Local() || from.Device.Index == 0 {
			plain.Device = netfilter.Interface{}
			return plain, nil
		}
		q.src, q.in = src, from.Device.Index
	}
	route := plain
	for i, mark := range append([]uint32{0}, p.marks...) {
		q.mark = mark
		marked, err := r.lookup(q)
		switch {
		case err != nil:
			return Route{}, err
		case i == 0:
			route.Device = marked.Device
		case marked.Type == 0 || marked.Local(): // such packets do not leave the node
		case marked.Device != route.Device:
			route.Device = netfilter.Interface{}
			return route, nil
		}
	}
	return route, nil
}
