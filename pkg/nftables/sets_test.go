// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// setOf builds a set from elements.
func setOf(t *testing.T, flags uint32, elements ...netlink.Attribute) (*set, error) {
	t.Helper()
	encode := func(attrs ...netlink.Attribute) message {
		b, err := netlink.MarshalAttributes(attrs)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseMessage(append([]byte{unix.NFPROTO_IPV4, 0, 0, 0}, b...))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	header := []netlink.Attribute{attrNumber(unix.NFTA_SET_FLAGS, flags)}
	if flags&unix.NFT_SET_MAP != 0 {
		header = append(header, attrNumber(unix.NFTA_SET_DATA_TYPE, unix.NFT_DATA_VERDICT))
	}
	b := newSetBuilder("s", encode(header...))
	if err := b.add(encode(attrNested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, elements...))); err != nil {
		return nil, err
	}
	return b.build(), nil
}

func elem(attrs ...netlink.Attribute) netlink.Attribute {
	return attrNested(unix.NFTA_LIST_ELEM, attrs...)
}

func keyed(kind uint16, b ...byte) netlink.Attribute {
	return attrNested(kind, attrBytes(unix.NFTA_DATA_VALUE, b))
}

// TestSetElements builds sets from elements in the order of a kernel, which
// differs from version to version.
func TestSetElements(t *testing.T) {
	const key = unix.NFTA_SET_ELEM_KEY
	end := attrNumber(unix.NFTA_SET_ELEM_FLAGS, unix.NFT_SET_ELEM_INTERVAL_END)
	goes := func(chain string) netlink.Attribute {
		return attrNested(unix.NFTA_SET_ELEM_DATA, verdictData(unix.NFT_GOTO, chain))
	}
	to := func(chain string) netfilter.Verdict { return netfilter.Verdict{Action: netfilter.Goto, Chain: chain} }
	tests := []struct {
		name     string
		flags    uint32
		elements []netlink.Attribute
		want     set
	}{
		{
			"single", 0,
			[]netlink.Attribute{elem(keyed(key, 10, 0, 0, 2)), elem(keyed(key, 10, 0, 0, 1))},
			set{elements: []setElement{{from: []byte{10, 0, 0, 2}, to: []byte{10, 0, 0, 2}}, {from: []byte{10, 0, 0, 1}, to: []byte{10, 0, 0, 1}}}},
		},
		{
			"intervals, the highest first", unix.NFT_SET_INTERVAL,
			[]netlink.Attribute{elem(keyed(key, 12), end), elem(keyed(key, 11)), elem(keyed(key, 9), end), elem(keyed(key, 5)), elem(keyed(key, 0), end)},
			set{elements: []setElement{{from: []byte{5}, to: []byte{8}}, {from: []byte{11}, to: []byte{11}}}},
		},
		{
			"up to the highest key", unix.NFT_SET_INTERVAL,
			[]netlink.Attribute{elem(keyed(key, 0), end), elem(keyed(key, 240, 0))},
			set{elements: []setElement{{from: []byte{240, 0}, to: []byte{255, 255}}}},
		},
		{
			"adjacent, with and without an end", unix.NFT_SET_INTERVAL | unix.NFT_SET_MAP,
			[]netlink.Attribute{
				elem(keyed(key, 1), goes("a")), elem(keyed(key, 3), goes("b")), elem(keyed(key, 3), end),
				elem(keyed(key, 7), goes("c")), elem(keyed(key, 9), end),
			},
			set{verdicts: true, elements: []setElement{
				{from: []byte{1}, to: []byte{2}, verdict: to("a")}, {from: []byte{3}, to: []byte{6}, verdict: to("b")}, {from: []byte{7}, to: []byte{8}, verdict: to("c")},
			}},
		},
		{
			"concatenated intervals", unix.NFT_SET_INTERVAL,
			[]netlink.Attribute{elem(keyed(key, 10, 0, 0, 0, 0, 80, 0, 0), keyed(elemKeyEnd, 10, 255, 255, 255, 0, 90, 0, 0))},
			set{elements: []setElement{{from: []byte{10, 0, 0, 0, 0, 80, 0, 0}, to: []byte{10, 255, 255, 255, 0, 90, 0, 0}}}},
		},
		{
			"catch-all", unix.NFT_SET_INTERVAL | unix.NFT_SET_MAP,
			[]netlink.Attribute{elem(keyed(key, 1), goes("a")), elem(keyed(key, 2), end), elem(attrNumber(unix.NFTA_SET_ELEM_FLAGS, elemCatchall), goes("b"))},
			set{verdicts: true, elements: []setElement{{from: []byte{1}, to: []byte{1}, verdict: to("a")}}, catchall: &netfilter.Verdict{Action: netfilter.Goto, Chain: "b"}},
		},
		{
			"a counter", 0,
			[]netlink.Attribute{elem(keyed(key, 1), attrNested(unix.NFTA_SET_ELEM_EXPR, attrText(unix.NFTA_EXPR_NAME, "counter")))},
			set{elements: []setElement{{from: []byte{1}, to: []byte{1}}}},
		},
		{
			"a limit", 0,
			[]netlink.Attribute{elem(keyed(key, 1), attrNested(elemExpressions, attrNested(unix.NFTA_LIST_ELEM, attrText(unix.NFTA_EXPR_NAME, "limit"))))},
			set{elements: []setElement{{from: []byte{1}, to: []byte{1}}}, uncertain: true},
		},
		{
			"a timeout", 0,
			[]netlink.Attribute{elem(keyed(key, 1), attrBytes(unix.NFTA_SET_ELEM_TIMEOUT, make([]byte, 8)))},
			set{elements: []setElement{{from: []byte{1}, to: []byte{1}}}, uncertain: true},
		},
		{"filled by packets", unix.NFT_SET_EVAL, nil, set{uncertain: true}},
		{"with timeouts", unix.NFT_SET_TIMEOUT, nil, set{uncertain: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.name, tt.want.flags = "s", tt.flags
			got, err := setOf(t, tt.flags, tt.elements...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, *got, cmp.AllowUnexported(set{}, setElement{}), equalMeaning()); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		})
	}
	for name, e := range map[string]netlink.Attribute{
		"no key":                elem(),
		"a verdict without one": elem(keyed(key, 1), attrNested(unix.NFTA_SET_ELEM_DATA, attrBytes(unix.NFTA_DATA_VERDICT, nil))),
	} {
		if s, err := setOf(t, unix.NFT_SET_MAP, e); err == nil {
			t.Errorf("%s: no error, %+v", name, s)
		}
	}
}

// TestDecodeLookup looks up host-order marks, fields of several registers, and
// sets that cannot be judged.
func TestDecodeLookup(t *testing.T) {
	lookup := func(attrs ...netlink.Attribute) netlink.Attribute {
		return expression("lookup", append(attrs, attrText(unix.NFTA_LOOKUP_SET, "s"), attrNumber(unix.NFTA_LOOKUP_SREG, unix.NFT_REG_1))...)
	}
	sets := func(s set) func(string) (*set, error) {
		s.name = "s"
		return func(string) (*set, error) { return &s, nil }
	}
	invert := attrNumber(unix.NFTA_LOOKUP_FLAGS, unix.NFT_LOOKUP_F_INV)
	one := setElement{from: []byte{1, 0, 0, 0}, to: []byte{1, 0, 0, 0}}
	loadMark := loadMeta(unix.NFT_META_MARK)

	in := is(mark, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 1})
	out := in
	out.Negated = true
	empty := netfilter.Condition{Key: []netfilter.Operand{mark}}
	all := is(mark, []byte{0, 0, 0, 0}, []byte{255, 255, 255, 255})
	pair := netfilter.Condition{
		Key:      []netfilter.Operand{l4proto, header(16, 4)},
		Elements: []netfilter.Element{{Key: []netfilter.Range{{From: []byte{6}, To: []byte{6}}, {From: []byte{10, 0, 0, 0}, To: []byte{10, 0, 0, 9}}}}},
	}
	toRegister2 := expression("payload", attrNumber(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG32_01), attrNumber(unix.NFTA_PAYLOAD_BASE, unix.NFT_PAYLOAD_NETWORK_HEADER),
		attrNumber(unix.NFTA_PAYLOAD_OFFSET, 16), attrNumber(unix.NFTA_PAYLOAD_LEN, 4))
	tests := []struct {
		name  string
		set   set
		exprs []netlink.Attribute
		want  netfilter.Step
	}{
		{"a mark", set{elements: []setElement{one}}, []netlink.Attribute{loadMark, lookup()}, in},
		{"not a mark", set{elements: []setElement{one}}, []netlink.Attribute{loadMark, lookup(invert)}, out},
		{"an interval in the host's byte order", set{elements: []setElement{{from: one.from, to: []byte{2, 0, 0, 0}}}}, []netlink.Attribute{loadMark, lookup()}, unknown},
		{"an empty set", set{}, []netlink.Attribute{loadMark, lookup()}, empty},
		{"a set that may change", set{elements: []setElement{one}, uncertain: true}, []netlink.Attribute{loadMark, lookup()}, unknown},
		{"a catch-all", set{elements: []setElement{one}, catchall: &netfilter.Verdict{}}, []netlink.Attribute{loadMark, lookup()}, all},
		{"two fields", set{elements: []setElement{{from: []byte{6, 0, 0, 0, 10, 0, 0, 0}, to: []byte{6, 0, 0, 0, 10, 0, 0, 9}}}}, []netlink.Attribute{loadMeta(unix.NFT_META_L4PROTO), toRegister2, lookup()}, pair},
		{"a key that is not known", set{elements: []setElement{one}}, []netlink.Attribute{loadMeta(unix.NFT_META_CPU), lookup()}, unknown},
		{
			"a verdict map that goes on", set{verdicts: true, elements: []setElement{{from: one.from, to: one.to}}},
			[]netlink.Attribute{loadMark, lookup(attrNumber(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_VERDICT))},
			netfilter.VerdictMap{Key: in.Key, Elements: in.Elements, Uncertain: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := little(t, sets(tt.set), unix.NFPROTO_IPV4, tt.exprs...)
			checkSteps(t, []netfilter.Step{tt.want}, r)
		})
	}
}
