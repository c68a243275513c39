// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestLeftovers has every kind of leftover, and removes each by its backend.
func TestLeftovers(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		options := masq.Options{ChainName: "IP-MASQ", RandomFully: true}
		for _, b := range Names()[1:] {
			for _, f := range netfilter.Families() {
				if _, err := NewTable(b, f, options, nil).Apply(t.Context(), config.Default(config.Options{})); err != nil {
					t.Fatalf("%s %s: %v", b, f, err)
				}
			}
		}
		netns.Restore(t, "iptables-nft", "IPv4", "*nat\n:IP-MASQ-AGENT - [0:0]\n-A POSTROUTING -j IP-MASQ-AGENT\n:KIND-MASQ-AGENT - [0:0]\nCOMMIT\n")
		others := []Leftover{
			{Backend: IPTablesNFT, Family: netfilter.IPv4, Chain: "IP-MASQ-AGENT", Reached: true},
			{Backend: IPTablesNFT, Family: netfilter.IPv4, Chain: "KIND-MASQ-AGENT"},
		}
		own := func(b Name, f netfilter.Family) Leftover {
			l := Leftover{Backend: b, Family: f, Chain: "IP-MASQ", Reached: true}
			if b == NFTables {
				l.Chain = ""
			}
			return l
		}
		for _, tt := range []struct {
			inUse Name
			want  []Leftover
		}{
			{IPTablesNFT, []Leftover{others[0], others[1], own(IPTablesLegacy, netfilter.IPv4), own(NFTables, netfilter.IPv4), own(IPTablesLegacy, netfilter.IPv6), own(NFTables, netfilter.IPv6)}},
			{NFTables, []Leftover{own(IPTablesNFT, netfilter.IPv4), others[0], others[1], own(IPTablesLegacy, netfilter.IPv4), own(IPTablesNFT, netfilter.IPv6), own(IPTablesLegacy, netfilter.IPv6)}},
		} {
			got, err := Leftovers(t.Context(), tt.inUse, "IP-MASQ")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("beside %s (-want +got):\n%s", tt.inUse, diff)
			}
		}
		for _, b := range []Name{IPTablesLegacy, NFTables} {
			for _, f := range netfilter.Families() {
				if removal, err := Remove(t.Context(), b, f, "IP-MASQ", false); err != nil || !removal.Chain {
					t.Errorf("removing %s %s: %+v, %v", b, f, removal, err)
				}
			}
		}
		got, err := Leftovers(t.Context(), IPTablesNFT, "IP-MASQ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(others, got); diff != "" {
			t.Errorf("after the removal (-want +got):\n%s", diff)
		}
	})
}

// TestLeftoverTableWithoutRules tests a table of the backend nftables that was flushed:
// nothing of it is in force, so the agent must not warn about it.
func TestLeftoverTableWithoutRules(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		if out, err := netns.Output("nft", "add table ip ip-masq-agent"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, err := Leftovers(t.Context(), IPTablesNFT, "IP-MASQ")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Leftover{{Backend: NFTables, Family: netfilter.IPv4}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestJoinDistinct(t *testing.T) {
	a, b := errors.New("connecting to nf_tables: not permitted"), errors.New("no such file")
	for _, tt := range []struct {
		errs []error
		want string
	}{
		{[]error{nil, a, nil, errors.New(a.Error()), b, a}, "connecting to nf_tables: not permitted\nno such file"},
		{[]error{b}, "no such file"},
	} {
		if got := joinDistinct(tt.errs); got == nil || got.Error() != tt.want {
			t.Errorf("joinDistinct(%v) = %v, want %q", tt.errs, got, tt.want)
		}
	}
	if got := joinDistinct([]error{nil, nil}); got != nil {
		t.Errorf("joinDistinct of nothing = %v", got)
	}
}
