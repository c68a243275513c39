// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// expression encodes one expression of a rule.
func expression(name string, attrs ...netlink.Attribute) netlink.Attribute {
	return attrNested(unix.NFTA_LIST_ELEM, attrText(unix.NFTA_EXPR_NAME, name), attrNested(unix.NFTA_EXPR_DATA, attrs...))
}

// The expressions, with register 1 unless another is named.
func loadHeader(base, offset, length uint32) netlink.Attribute {
	return expression("payload", attrNumber(unix.NFTA_PAYLOAD_DREG, unix.NFT_REG_1), attrNumber(unix.NFTA_PAYLOAD_BASE, base),
		attrNumber(unix.NFTA_PAYLOAD_OFFSET, offset), attrNumber(unix.NFTA_PAYLOAD_LEN, length))
}

func loadMeta(key uint32) netlink.Attribute {
	return expression("meta", attrNumber(unix.NFTA_META_KEY, key), attrNumber(unix.NFTA_META_DREG, unix.NFT_REG_1))
}

func compare(op uint32, data ...byte) netlink.Attribute {
	return expression("cmp", attrNumber(unix.NFTA_CMP_SREG, unix.NFT_REG_1), attrNumber(unix.NFTA_CMP_OP, op),
		attrNested(unix.NFTA_CMP_DATA, attrBytes(unix.NFTA_DATA_VALUE, data)))
}

func mask(mask, xor []byte) netlink.Attribute {
	return expression("bitwise", attrNumber(unix.NFTA_BITWISE_SREG, unix.NFT_REG_1), attrNumber(unix.NFTA_BITWISE_DREG, unix.NFT_REG_1),
		attrNumber(unix.NFTA_BITWISE_LEN, uint32(len(mask))),
		attrNested(unix.NFTA_BITWISE_MASK, attrBytes(unix.NFTA_DATA_VALUE, mask)), attrNested(unix.NFTA_BITWISE_XOR, attrBytes(unix.NFTA_DATA_VALUE, xor)))
}

func constant(register uint32, data ...byte) netlink.Attribute {
	return expression("immediate", attrNumber(unix.NFTA_IMMEDIATE_DREG, register), attrNested(unix.NFTA_IMMEDIATE_DATA, attrBytes(unix.NFTA_DATA_VALUE, data)))
}

func decide(code int32, chain string) netlink.Attribute {
	return expression("immediate", attrNumber(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT), attrNested(unix.NFTA_IMMEDIATE_DATA, verdictData(code, chain)))
}

func match(name string, revision uint32, info ...byte) netlink.Attribute {
	return expression("match", attrText(unix.NFTA_MATCH_NAME, name), attrNumber(unix.NFTA_MATCH_REV, revision), attrBytes(unix.NFTA_MATCH_INFO, info))
}

func target(name string, revision uint32, info ...byte) netlink.Attribute {
	return expression("target", attrText(unix.NFTA_TARGET_NAME, name), attrNumber(unix.NFTA_TARGET_REV, revision), attrBytes(unix.NFTA_TARGET_INFO, info))
}

// ruleMessage encodes a rule of table nat, chain P.
func ruleMessage(t testing.TB, family uint8, exprs ...netlink.Attribute) message {
	t.Helper()
	b, err := netlink.MarshalAttributes([]netlink.Attribute{
		attrText(unix.NFTA_RULE_TABLE, "nat"), attrText(unix.NFTA_RULE_CHAIN, "P"),
		attrNested(unix.NFTA_RULE_EXPRESSIONS, exprs...),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseMessage(append([]byte{family, 0, 0, 0}, b...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// little decodes a rule as a little-endian machine does.
func little(t testing.TB, sets func(string) (*set, error), family uint8, exprs ...netlink.Attribute) netfilter.Rule {
	return decodeOn(t, binary.LittleEndian, sets, family, exprs...)
}

func decodeOn(t testing.TB, order binary.ByteOrder, sets func(string) (*set, error), family uint8, exprs ...netlink.Attribute) netfilter.Rule {
	t.Helper()
	m := ruleMessage(t, family, exprs...)
	d := &decoder{family: family, layer: family, host: order, sets: sets}
	r, err := d.decode(m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// checkSteps compares the steps of a decoded rule by their meaning.
func checkSteps(t *testing.T, want []netfilter.Step, r netfilter.Rule) {
	t.Helper()
	if diff := cmp.Diff(want, r.Steps, equalMeaning()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// checkText compares the text of a decoded rule.
func checkText(t *testing.T, want string, r netfilter.Rule) {
	t.Helper()
	if diff := cmp.Diff(want, r.Text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// is is a condition on one operand with one range.
func is(o netfilter.Operand, from, to []byte) netfilter.Condition {
	return netfilter.Condition{Key: []netfilter.Operand{o}, Elements: []netfilter.Element{{Key: []netfilter.Range{{From: from, To: to}}}}}
}

func isNot(o netfilter.Operand, value []byte) netfilter.Condition {
	c := is(o, value, value)
	c.Negated = true
	return c
}

func header(offset, length int) netfilter.Operand {
	return netfilter.Operand{Field: netfilter.NetworkHeader, Offset: offset, Length: length}
}

var (
	unknown    = netfilter.NotUnderstood("")
	accepted   = netfilter.Verdict{Action: netfilter.Accept}
	mark       = netfilter.Operand{Field: netfilter.Mark, Length: 4}
	randomly   = netfilter.Operand{Field: netfilter.Random, Length: 4, High: 1<<31 - 1}
	outName    = netfilter.Operand{Field: netfilter.OutName, Length: 16}
	l4proto    = netfilter.Operand{Field: netfilter.L4Proto, Length: 1}
	localness  = netfilter.Operand{Field: netfilter.DestinationType, Length: 4}
	sourceness = netfilter.Operand{Field: netfilter.SourceType, Length: 4}
)
