// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

func TestDecode(t *testing.T) {
	const (
		network   = unix.NFT_PAYLOAD_NETWORK_HEADER
		transport = unix.NFT_PAYLOAD_TRANSPORT_HEADER
		eq, neq   = unix.NFT_CMP_EQ, unix.NFT_CMP_NEQ
	)
	masked := func(o netfilter.Operand, m, x []byte) netfilter.Operand {
		o.Mask, o.Xor = m, x
		return o
	}
	short := func(o netfilter.Operand, length int) netfilter.Operand {
		o.Length = length
		return o
	}
	tests := []struct {
		name   string
		family uint8
		exprs  []netlink.Attribute
		steps  []netfilter.Step
		text   string
		native bool
	}{
		{
			"whole bytes", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 16, 1), compare(eq, 10), decide(unix.NFT_RETURN, "")},
			[]netfilter.Step{is(header(16, 1), []byte{10}, []byte{10}), netfilter.Verdict{Action: netfilter.Return}},
			"-A P -d 10.0.0.0/8 -j RETURN", false,
		},
		{
			"masked", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 12, 4), mask([]byte{255, 240, 0, 0}, make([]byte, 4)), compare(neq, 172, 16, 0, 0), decide(unix.NFT_JUMP, "X")},
			[]netfilter.Step{isNot(masked(header(12, 4), []byte{255, 240, 0, 0}, nil), []byte{172, 16, 0, 0}), netfilter.Verdict{Action: netfilter.Jump, Chain: "X"}},
			"-A P ! -s 172.16.0.0/12 -j X", false,
		},
		{
			"masked twice", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadMeta(unix.NFT_META_MARK), mask([]byte{0xf0, 0, 0, 0}, []byte{0x0f, 0, 0, 0}), mask([]byte{0x3f, 0, 0, 0}, []byte{1, 0, 0, 0}), compare(eq, 0x2e, 0, 0, 0)},
			[]netfilter.Step{is(masked(mark, []byte{0, 0, 0, 0x30}, []byte{0, 0, 0, 0x0e}), []byte{0, 0, 0, 0x2e}, []byte{0, 0, 0, 0x2e})},
			"add rule ip nat P meta mark & 0x00000030 == 0x0000002e", true,
		},
		{
			"protocol of iptables 1.8.9", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadMeta(unix.NFT_META_L4PROTO), compare(eq, 6), decide(unix.NFT_GOTO, "X")},
			[]netfilter.Step{is(l4proto, []byte{6}, []byte{6}), netfilter.Verdict{Action: netfilter.Goto, Chain: "X"}},
			"-A P -p tcp -g X", false,
		},
		{
			"protocol of iptables 1.8.11", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 9, 1), compare(eq, 6), decide(verdictAccept, "")},
			[]netfilter.Step{is(header(9, 1), []byte{6}, []byte{6}), accepted},
			"-A P -p tcp -j ACCEPT", false,
		},
		{
			"beginning of a device's name", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadMeta(unix.NFT_META_OIFNAME), compare(eq, 'e', 't', 'h'), decide(verdictAccept, "")},
			[]netfilter.Step{is(short(outName, 3), []byte("eth"), []byte("eth")), accepted},
			"-A P -o eth+ -j ACCEPT", false,
		},
		{
			"a port", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadMeta(unix.NFT_META_L4PROTO), compare(eq, 6), loadHeader(transport, 2, 2), compare(eq, 0, 80), decide(verdictAccept, "")},
			[]netfilter.Step{is(l4proto, []byte{6}, []byte{6}), unknown, accepted},
			"-A P -p tcp -m tcp … -j ACCEPT", false,
		},
		{
			"beyond the header", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 20, 4), compare(eq, 0, 0, 0, 0), decide(verdictAccept, "")},
			[]netfilter.Step{unknown, accepted},
			"add rule ip nat P @nh,160,32 0x00000000 accept", true,
		},
		{
			"a register that nothing was loaded into", unix.NFPROTO_IPV4,
			[]netlink.Attribute{compare(eq, 10), decide(verdictAccept, "")},
			[]netfilter.Step{unknown, accepted},
			"add rule ip nat P register 0x0a accept", true,
		},
		{
			"less", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 16, 4), compare(unix.NFT_CMP_LT, 10, 0, 0, 0)},
			[]netfilter.Step{is(header(16, 4), []byte{0, 0, 0, 0}, []byte{9, 255, 255, 255})},
			"add rule ip nat P ip daddr < 10.0.0.0", true,
		},
		{
			"less than nothing never holds", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadHeader(network, 16, 4), compare(unix.NFT_CMP_LT, 0, 0, 0, 0)},
			[]netfilter.Step{netfilter.Condition{Key: []netfilter.Operand{header(16, 4)}}},
			"add rule ip nat P ip daddr < 0.0.0.0", true,
		},
		{
			"a mark, less, in the host's byte order", unix.NFPROTO_IPV4,
			[]netlink.Attribute{loadMeta(unix.NFT_META_MARK), compare(unix.NFT_CMP_LT, 1, 0, 0, 0)},
			[]netfilter.Step{unknown},
			"add rule ip nat P meta mark < 0x01000000", true,
		},
		{
			"an expression that is not known", unix.NFPROTO_IPV4,
			[]netlink.Attribute{expression("teleport", attrNumber(1, 1)), decide(verdictAccept, "")},
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Other, Name: "teleport"}},
			"add rule ip nat P teleport", true,
		},
		{
			"a condition that is not known", unix.NFPROTO_IPV4,
			[]netlink.Attribute{expression("quota"), decide(verdictAccept, "")},
			[]netfilter.Step{unknown, accepted},
			"add rule ip nat P quota accept", true,
		},
		{
			"shifted bits", unix.NFPROTO_IPV4,
			[]netlink.Attribute{
				loadMeta(unix.NFT_META_MARK),
				expression("bitwise", attrNumber(unix.NFTA_BITWISE_SREG, 1), attrNumber(unix.NFTA_BITWISE_DREG, 1), attrNumber(unix.NFTA_BITWISE_LEN, 4),
					attrNumber(bitwiseOp, 1), attrNested(7 /* NFTA_BITWISE_DATA */, attrBytes(unix.NFTA_DATA_VALUE, []byte{0, 0, 0, 4}))),
				compare(eq, 1, 0, 0, 0),
			},
			[]netfilter.Step{unknown},
			"add rule ip nat P meta mark 0x01000000", true,
		},
		{
			"masquerade with ports", unix.NFPROTO_IPV4,
			[]netlink.Attribute{
				constant(unix.NFT_REG_1, 4, 0), constant(unix.NFT_REG_2, 0x75, 0x2f),
				expression("masq", attrNumber(unix.NFTA_MASQ_REG_PROTO_MIN, unix.NFT_REG_1), attrNumber(unix.NFTA_MASQ_REG_PROTO_MAX, unix.NFT_REG_2), attrNumber(unix.NFTA_MASQ_FLAGS, 16+2)),
			},
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: true, Ports: netfilter.PortRange{From: 1024, To: 29999}}},
			"add rule ip nat P masquerade to :1024-29999 fully-random", true,
		},
		{
			"snat in an inet table", unix.NFPROTO_INET,
			[]netlink.Attribute{
				constant(unix.NFT_REG_1, 192, 0, 2, 1),
				expression("nat", attrNumber(unix.NFTA_NAT_TYPE, unix.NFT_NAT_SNAT), attrNumber(unix.NFTA_NAT_FAMILY, unix.NFPROTO_IPV4), attrNumber(unix.NFTA_NAT_REG_ADDR_MIN, unix.NFT_REG_1)),
			},
			[]netfilter.Step{
				is(netfilter.Operand{Field: netfilter.NFProto, Length: 1}, []byte{2}, []byte{2}),
				netfilter.Verdict{Action: netfilter.SNAT, To: netfilter.AddressRange{From: netip.MustParseAddr("192.0.2.1"), To: netip.MustParseAddr("192.0.2.1")}},
			},
			"add rule inet nat P meta nfproto ipv4 snat to 192.0.2.1", true,
		},
		{
			"a mark that is overwritten after it was loaded", unix.NFPROTO_IPV4,
			[]netlink.Attribute{
				loadMeta(unix.NFT_META_MARK), constant(unix.NFT_REG_2, 1, 0, 0, 0),
				expression("meta", attrNumber(unix.NFTA_META_KEY, unix.NFT_META_MARK), attrNumber(unix.NFTA_META_SREG, unix.NFT_REG_2)),
				compare(eq, 1, 0, 0, 0),
			},
			[]netfilter.Step{netfilter.SetMark{To: netfilter.Operand{Field: netfilter.Constant, Length: 4, Constant: []byte{0, 0, 0, 1}}}, unknown},
			"add rule ip nat P meta mark set 0x00000001 meta mark 0x01000000", true,
		},
		{
			"control characters", unix.NFPROTO_IPV4,
			[]netlink.Attribute{match("comment", 0, append([]byte("a\n\"b\"\x1b'"), make([]byte, 248)...)...), decide(unix.NFT_JUMP, "X")},
			[]netfilter.Step{netfilter.Verdict{Action: netfilter.Jump, Chain: "X"}},
			`-A P -m comment --comment "a\n\"b\"\x1b\'" -j X`, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := little(t, nil, tt.family, tt.exprs...)
			checkSteps(t, tt.steps, r)
			checkText(t, tt.text, r)
			if r.Native != tt.native {
				t.Errorf("native %v, want %v", r.Native, tt.native)
			}
		})
	}
}

// TestBigEndian decodes the rules of a big-endian machine, where numbers in the
// host's byte order are in network byte order.
func TestBigEndian(t *testing.T) {
	r := decodeOn(t, binary.BigEndian, nil, unix.NFPROTO_IPV4,
		loadMeta(unix.NFT_META_MARK), mask([]byte{0, 0, 0x40, 0}, make([]byte, 4)), compare(unix.NFT_CMP_EQ, 0, 0, 0x40, 0),
		match("addrtype", 1, 0, 0, 0, 4, 0, 0, 0, 2),
		match("statistic", 0, 0, 0, 0, 0, 0x40, 0, 0, 0),
		target("MASQUERADE", 0, 0, 0, 0, 1, 0, 0, 0, 16+2, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0x75, 0x2f))
	want := []netfilter.Step{
		is(netfilter.Operand{Field: netfilter.Mark, Length: 4, Mask: []byte{0, 0, 0x40, 0}}, []byte{0, 0, 0x40, 0}, []byte{0, 0, 0x40, 0}),
		isNot(localness, []byte{0, 0, 0, 2}),
		is(randomly, []byte{0, 0, 0, 0}, []byte{0x3f, 0xff, 0xff, 0xff}),
		netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: true, Ports: netfilter.PortRange{From: 1024, To: 29999}},
	}
	checkSteps(t, want, r)
}

// TestDecodeMalformed: a malformed rule is an error, and not a rule without the
// malformed part.
func TestDecodeMalformed(t *testing.T) {
	for name, e := range map[string]netlink.Attribute{
		"an immediate without data":  expression("immediate", attrNumber(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)),
		"a constant without bytes":   constant(unix.NFT_REG_1),
		"a cut attribute":            attrNested(unix.NFTA_LIST_ELEM, attrBytes(unix.NFTA_EXPR_DATA, []byte{9, 0, 1, 0})),
		"a verdict without its code": expression("immediate", attrNumber(unix.NFTA_IMMEDIATE_DREG, 0), attrNested(unix.NFTA_IMMEDIATE_DATA, attrNested(unix.NFTA_DATA_VERDICT))),
		"a set that cannot be read":  expression("lookup", attrText(unix.NFTA_LOOKUP_SET, "s")),
	} {
		d := &decoder{family: unix.NFPROTO_IPV4, host: binary.NativeEndian, sets: func(string) (*set, error) { return nil, errors.New("no set") }}
		if _, err := d.decode(ruleMessage(t, unix.NFPROTO_IPV4, e, decide(verdictAccept, ""))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
