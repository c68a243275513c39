// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"net/netip"
	"testing"
)

func TestDeciding(t *testing.T) {
	everyone := Spec{Destinations: intervals("10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade")}
	some := everyone
	some.OnlySources, some.Sources = true, ranges("10.4.0.0-10.7.255.255")
	none := Spec{OnlySources: true}
	tests := []struct {
		spec                Spec
		source, destination string
		text, place         string
	}{
		{everyone, "", "10.1.2.3", "10.0.0.0-10.8.255.255 : goto kept", "map destinations"},
		{everyone, "", "10.9.2.3", "10.9.0.0/16 : goto masq", "map destinations"},
		{everyone, "", "8.8.8.8", "goto masq", "chain postrouting"},
		{some, "10.4.0.1", "8.8.8.8", "goto masq", "chain postrouting"},
		{some, "10.4.0.1", "10.1.2.3", "10.0.0.0-10.8.255.255 : goto kept", "map destinations"},
		{some, "192.0.2.1", "10.9.2.3", "ip saddr != @sources goto kept", "chain postrouting"},
		{some, "", "8.8.8.8", "ip saddr != @sources goto kept", "chain postrouting"},
		{none, "10.4.0.1", "8.8.8.8", "ip saddr != @sources goto kept", "chain postrouting"},
	}
	for _, tt := range tests {
		source, _ := netip.ParseAddr(tt.source)
		text, place := tt.spec.Deciding(source, netip.MustParseAddr(tt.destination))
		if text != tt.text || place != tt.place {
			t.Errorf("%s to %s: %q in %s, want %q in %s", tt.source, tt.destination, text, place, tt.text, tt.place)
		}
	}
}
