// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
)

// nodeRoutes are the routes of a node with these addresses; all others are remote.
// An address that begins with "!" is one for which the kernel reports an error.
type nodeRoutes string

func (r nodeRoutes) To(a netip.Addr) (host.Route, error) {
	for _, local := range strings.Fields(string(r)) {
		switch local {
		case a.String():
			return host.Route{Type: unix.RTN_LOCAL}, nil
		case "!" + a.String():
			return host.Route{}, errors.New("no answer")
		}
	}
	return host.Route{Type: unix.RTN_UNICAST}, nil
}

func (r nodeRoutes) Between(_, dst netip.Addr) (host.Route, error) { return r.To(dst) }

func TestNewQuestion(t *testing.T) {
	tests := []struct {
		name        string
		routes      nodeRoutes
		sources     string
		source      string
		destination string

		wantSource, wantAssumed string // empty: none
		wantLocal               bool   // the destination
		wantErr                 bool
	}{
		{name: "any pod", destination: "8.8.8.8"},
		{name: "a named source", source: "10.1.1.1", sources: "10.2.0.0/16", destination: "8.8.8.8", wantSource: "10.1.1.1"},
		{name: "the first range of the family", sources: "fd00::/64 10.2.0.0/16 10.3.0.0/16", destination: "8.8.8.8", wantSource: "10.2.0.1", wantAssumed: "10.2.0.0/16"},
		{name: "the first range of IPv6", sources: "10.2.0.0/16 fd00::/64", destination: "2001:db8::1", wantSource: "fd00::1", wantAssumed: "fd00::/64"},
		{name: "no range of the family", sources: "10.2.0.0/16", destination: "2001:db8::1"},
		{name: "addresses of the node", routes: "10.2.0.1 10.2.0.2", sources: "10.2.0.0/16", destination: "10.2.0.1", wantSource: "10.2.0.3", wantAssumed: "10.2.0.0/16", wantLocal: true},
		{name: "a range of one address", sources: "10.2.0.7/32", destination: "8.8.8.8", wantSource: "10.2.0.7", wantAssumed: "10.2.0.7/32"},
		{name: "a range of the node's own addresses", routes: "10.2.0.1 10.2.0.2 10.2.0.3", sources: "10.2.0.0/30", destination: "8.8.8.8", wantSource: "10.2.0.0", wantAssumed: "10.2.0.0/30"},
		{name: "the last range of all", sources: "255.255.255.255/32", destination: "8.8.8.8", wantSource: "255.255.255.255", wantAssumed: "255.255.255.255/32"},
		{name: "no route to the source", routes: "!10.2.0.1", sources: "10.2.0.0/16", destination: "8.8.8.8", wantErr: true},
		{name: "no route to the destination", routes: "!8.8.8.8", destination: "8.8.8.8", wantErr: true},
		{name: "no route to a named source", routes: "!10.1.1.1", source: "10.1.1.1", destination: "8.8.8.8", wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c config.Config
			for _, s := range strings.Fields(tt.sources) {
				c.Source = append(c.Source, netip.MustParsePrefix(s))
			}
			var source netip.Addr
			if tt.source != "" {
				source = netip.MustParseAddr(tt.source)
			}
			q, err := NewQuestion(tt.routes, source, netip.MustParseAddr(tt.destination), c)
			if tt.wantErr != (err != nil) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			text := func(valid bool, s string) string {
				if !valid {
					return ""
				}
				return s
			}
			if got := text(q.Source.IsValid(), q.Source.String()); got != tt.wantSource {
				t.Errorf("source %q, want %q", got, tt.wantSource)
			}
			if got := text(q.Assumed.IsValid(), q.Assumed.String()); got != tt.wantAssumed {
				t.Errorf("assumed %q, want %q", got, tt.wantAssumed)
			}
			if q.Route.Local() != tt.wantLocal {
				t.Errorf("destination local %v, want %v", q.Route.Local(), tt.wantLocal)
			}
			if (q.SourceRoute.Type == 0) != (tt.wantSource == "") {
				t.Errorf("route to the source %+v", q.SourceRoute)
			}
		})
	}
}
