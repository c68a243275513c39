// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// TestExpressions compares the expressions in the kernel, as nft prints them,
// with literal ones.
func TestExpressions(t *testing.T) {
	tests := []struct {
		spec, chain string
		want        string
	}{
		{
			spec: "defaults", chain: "postrouting",
			want: `
  [ fib daddr type => reg 1 ]
  [ cmp eq reg 1 0x00000002 ]
  [ immediate reg 0 accept ]

  [ payload load 4b @ network header + 16 => reg 1 ]
  [ lookup reg 1 set destinations dreg 0 ]

  [ immediate reg 0 goto -> masq ]`,
		},
		{
			spec: "IPv6", chain: "postrouting",
			want: `
  [ fib daddr type => reg 1 ]
  [ cmp eq reg 1 0x00000002 ]
  [ immediate reg 0 accept ]

  [ payload load 16b @ network header + 24 => reg 1 ]
  [ lookup reg 1 set destinations dreg 0 ]

  [ immediate reg 0 goto -> masq ]`,
		},
		{
			spec: "defaults", chain: "kept",
			want: `
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 accept ]`,
		},
		{
			spec: "exceptions and ports", chain: "masq",
			want: `
  [ counter pkts 0 bytes 0 ]

  [ meta load l4proto => reg 1 ]
  [ lookup reg 1 set __set0 ]
  [ numgen reg 1 = random mod 61745 ]
  [ byteorder reg 1 = hton(reg 1, 4, 4) ]
  [ lookup reg 1 set __map0 dreg 0 ]

  [ masq flags 0x10 ]`,
		},
		{
			spec: "nothing kept", chain: "masq",
			want: `
  [ counter pkts 0 bytes 0 ]

  [ masq ]`,
		},
		{
			spec: "exceptions and ports", chain: "ports0",
			want: `
  [ meta load l4proto => reg 1 ]
  [ lookup reg 1 set __set1 ]
  [ immediate reg 1 0x00000004 ]
  [ immediate reg 2 0x00002f75 ]
  [ masq proto_min reg 1 proto_max reg 2 flags 0x12 ]`,
		},
		{
			spec: "exceptions and ports", chain: "ports2",
			want: `
  [ meta load l4proto => reg 1 ]
  [ lookup reg 1 set __set3 ]
  [ immediate reg 1 0x00001879 ]
  [ masq proto_min reg 1 proto_max reg 1 flags 0x12 ]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.spec+"/"+tt.chain, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				s := specs()[tt.spec]
				if err := commit(t.Context(), s.layout().compile()); err != nil {
					t.Fatal(err)
				}
				out := nftOutput(t, "--debug=netlink", "list", "chain", s.Family.NFT(), TableName, tt.chain)
				if diff := cmp.Diff(tt.want, expressions(out)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// expressions returns the lines with expressions, and an empty line before
// each rule but the first.
func expressions(debug string) string {
	var b strings.Builder
	open := false
	for line := range strings.Lines(debug) {
		line = strings.TrimRight(line, " \n")
		if !strings.HasPrefix(line, "  [ ") {
			open = false
			continue
		}
		if !open && b.Len() > 0 {
			b.WriteString("\n")
		}
		// The kernel returns the flags of a lookup also if there are none.
		b.WriteString("\n" + strings.Replace(line, " 0x0 ]", " ]", 1))
		open = true
	}
	return b.String()
}
