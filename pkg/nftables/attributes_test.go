// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"testing"

	"github.com/mdlayher/netlink"
)

func TestSameAttributes(t *testing.T) {
	want := []netlink.Attribute{attrNumber(1, 7), attrNested(2, attrText(1, "kept"))}
	kept := attrNested(2, attrText(1, "kept"))
	tests := []struct {
		name string
		have []netlink.Attribute
		same bool
	}{
		{"the same", want, true},
		{"in another order", []netlink.Attribute{kept, attrNumber(1, 7)}, true},
		{"nested, not marked as such", []netlink.Attribute{attrNumber(1, 7), attrBytes(2, kept.Data)}, true},
		{"a default more", append([]netlink.Attribute{attrNumber(3, 0)}, want...), true},
		{"an option more", append([]netlink.Attribute{attrNumber(3, 1)}, want...), false},
		{"an option more, nested", []netlink.Attribute{attrNumber(1, 7), attrNested(2, attrText(1, "kept"), attrNumber(2, 1))}, false},
		{"another number", []netlink.Attribute{attrNumber(1, 8), kept}, false},
		{"another name, nested", []netlink.Attribute{attrNumber(1, 7), attrNested(2, attrText(1, "masq"))}, false},
		{"one less", []netlink.Attribute{attrNumber(1, 7)}, false},
		{"cut off, nested", []netlink.Attribute{attrNumber(1, 7), attrBytes(2, kept.Data[:3])}, false},
		{"none", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := parseAttributes(encode(tt.have))
			if err != nil {
				t.Fatal(err)
			}
			if got := sameAttributes(want, have); got != tt.same {
				t.Errorf("%v, want %v", got, tt.same)
			}
		})
	}
}
