// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"testing"

	"ip-masq-agent/pkg/netfilter"
)

func TestOwns(t *testing.T) {
	nat, own, other := &netfilter.Table{Name: "nat"}, &netfilter.Table{Name: "ip-masq-agent"}, &netfilter.Table{Name: "kube-proxy"}
	named := func(name string) *netfilter.Chain { return &netfilter.Chain{Name: name} }
	for _, tt := range []struct {
		name string
		p    netfilter.Place
		want bool
	}{
		{"our chain", netfilter.Place{Table: nat, Chain: named("IP-MASQ")}, true},
		{"another chain of nat", netfilter.Place{Table: nat, Chain: named("POSTROUTING")}, false},
		{"a chain of our table", netfilter.Place{Table: own, Chain: named("postrouting")}, true},
		{"our chain's name elsewhere", netfilter.Place{Table: other, Chain: named("IP-MASQ")}, false},
		{"no rule", netfilter.Place{}, false},
		{"a table alone", netfilter.Place{Table: own}, false},
		{"a chain alone", netfilter.Place{Chain: named("IP-MASQ")}, false},
	} {
		if got := Owns(tt.p, "IP-MASQ"); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
