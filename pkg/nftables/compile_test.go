// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// TestTransaction has the order of the messages: chains before the elements
// that go to them, anonymous sets before the rules that look them up.
func TestTransaction(t *testing.T) {
	s := specs()["everything kept, one port range"]
	var got []string
	for _, o := range s.layout().compile() {
		got = append(got, o.what)
	}
	want := []string{
		"creating the table to delete",
		"deleting the table",
		"creating the table",
		"adding chain postrouting",
		"adding chain kept",
		"adding chain masq",
		"adding chain ports0",
		"adding set destinations",
		"adding elements of set destinations",
		"adding a rule to chain postrouting",
		"adding a rule to chain postrouting",
		"adding a rule to chain postrouting",
		"adding a rule to chain kept",
		"adding a rule to chain masq",
		"adding set __set%d",
		"adding elements of set __set%d",
		"adding set __map%d",
		"adding elements of set __map%d",
		"adding a rule to chain masq",
		"adding a rule to chain masq",
		"adding set __set%d",
		"adding elements of set __set%d",
		"adding a rule to chain ports0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMessagesFit checks that 60,000 intervals are all in the messages and that
// no list exceeds the length that an attribute can have.
func TestMessagesFit(t *testing.T) {
	const maxAttribute = 1<<16 - 1
	for _, f := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		elements := 0
		s := Spec{Family: f, Destinations: many(f, 60000)}
		for _, o := range s.layout().compile() {
			for _, a := range o.attrs {
				if len(a.Data)+unix.SizeofNlAttr > maxAttribute/2 {
					t.Fatalf("%s: an attribute of %d bytes", o.what, len(a.Data))
				}
				if o.kind == unix.NFT_MSG_NEWSETELEM && a.Type == unix.NFTA_SET_ELEM_LIST_ELEMENTS|netlink.Nested {
					list, err := netlink.UnmarshalAttributes(a.Data)
					if err != nil {
						t.Fatal(err)
					}
					elements += len(list)
				}
			}
		}
		if elements != 120000 { // a beginning and an end each
			t.Errorf("%s: %d elements, want 120000", f, elements)
		}
	}
}

func TestEncodeElement(t *testing.T) {
	// native is the header of an attribute, length and type in this machine's
	// byte order. All else is in network byte order.
	native := func(length, kind uint16) string {
		return fmt.Sprintf("%x", binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, length), kind))
	}
	tests := []struct {
		name string
		spec Spec
		want []string // in hexadecimal, each element
	}{
		{
			name: "beginning and end",
			spec: Spec{Destinations: intervals("10.0.0.0-10.8.255.255 keep")},
			want: []string{
				native(12, 0x8001) + native(8, 1) + "0a000000" + // key
					native(28, 0x8002) + native(24, 0x8002) + native(8, 1) + "fffffffc" + native(9, 2) + "6b65707400" + "000000", // goto kept
				native(12, 0x8001) + native(8, 1) + "0a090000" + native(8, 3) + "00000001", // the first address behind, NFT_SET_ELEM_INTERVAL_END
			},
		},
		{
			name: "up to the last address",
			spec: Spec{Destinations: intervals("255.0.0.0-255.255.255.255 masquerade")},
			want: []string{
				native(12, 0x8001) + native(8, 1) + "ff000000" +
					native(28, 0x8002) + native(24, 0x8002) + native(8, 1) + "fffffffc" + native(9, 2) + "6d61737100" + "000000" +
					native(10, 6) + "0104" + fmt.Sprintf("%x", binary.NativeEndian.AppendUint32(nil, 1)) + "0000", // user data: the interval is open
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := tt.spec.destinations()
			var got []string
			for _, a := range set.encodeElement(set.elements[0]) {
				got = append(got, fmt.Sprintf("%x", a.Data))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
