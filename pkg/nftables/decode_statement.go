// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// Verdicts, linux/netfilter.h and linux/netfilter/nf_tables.h.
const (
	verdictDrop   = 0
	verdictAccept = 1
)

var errNoVerdict = errors.New("a verdict is missing")

// parseVerdict parses a nested NFTA_DATA_VERDICT.
func parseVerdict(data attributes) (netfilter.Verdict, error) {
	if !data.has(unix.NFTA_DATA_VERDICT) {
		return netfilter.Verdict{}, errNoVerdict
	}
	v, err := data.nested(unix.NFTA_DATA_VERDICT)
	if err != nil {
		return netfilter.Verdict{}, err
	}
	if len(v[unix.NFTA_VERDICT_CODE]) < 4 {
		return netfilter.Verdict{}, errShort
	}
	out := netfilter.Verdict{Chain: v.string(unix.NFTA_VERDICT_CHAIN)}
	switch code := int32(v.uint32(unix.NFTA_VERDICT_CODE)); code {
	case unix.NFT_CONTINUE:
		out.Action = netfilter.Continue
	case unix.NFT_JUMP:
		out.Action = netfilter.Jump
	case unix.NFT_GOTO:
		out.Action = netfilter.Goto
	case unix.NFT_RETURN:
		out.Action = netfilter.Return
	case verdictDrop:
		out.Action = netfilter.Drop
	case verdictAccept:
		out.Action = netfilter.Accept
	default: // NF_QUEUE with a number, NFT_BREAK
		out.Action, out.Name = netfilter.Other, fmt.Sprintf("verdict %d", code)
	}
	return out, nil
}

// immediate loads a constant, or is a verdict.
func (d *decoder) immediate(a attributes) error {
	data, err := a.nested(unix.NFTA_IMMEDIATE_DATA)
	if err != nil {
		return err
	}
	if register := a.uint32(unix.NFTA_IMMEDIATE_DREG); register != unix.NFT_REG_VERDICT {
		value := data[unix.NFTA_DATA_VALUE]
		if len(value) == 0 || len(value) > words*wordBytes {
			return errShort
		}
		d.registers.set(register, load{operand: netfilter.Operand{Field: netfilter.Constant, Length: len(value), Constant: value}})
		return nil
	}
	v, err := parseVerdict(data)
	if err != nil {
		return err
	}
	if v.Action == netfilter.Continue {
		return nil // the next expression follows
	}
	d.verdict(v, iptablesVerdict(v), nftVerdict(v))
	return nil
}

// objref refers to an object of the table. A counter does nothing to the packet.
func (d *decoder) objref(a attributes) {
	if a.has(unix.NFTA_OBJREF_IMM_TYPE) && a.uint32(unix.NFTA_OBJREF_IMM_TYPE) == unix.NFT_OBJECT_COUNTER {
		d.addText("", "counter name "+quoted(a.string(unix.NFTA_OBJREF_IMM_NAME)))
		return
	}
	d.mayFail("objref")
}

// log writes to the kernel's log or sends to a group of listeners.
func (d *decoder) log(a attributes) {
	text, target := "log", "-j LOG"
	if a.has(unix.NFTA_LOG_GROUP) {
		target = "-j NFLOG"
	}
	if prefix := a.string(unix.NFTA_LOG_PREFIX); prefix != "" {
		text += " prefix " + quoted(prefix)
		target += " --nflog-prefix " + iptablesString(prefix)
	}
	if b := a[unix.NFTA_LOG_GROUP]; len(b) >= 2 {
		group := binary.BigEndian.Uint16(b)
		text += fmt.Sprintf(" group %d", group)
		if group != 0 {
			target += fmt.Sprintf(" --nflog-group %d", group)
		}
	}
	d.addText(target, text)
}

// limit matches as long as a rate is not exceeded, or if it is.
func (d *decoder) limit(a attributes) {
	rate, burst := a.uint64(unix.NFTA_LIMIT_RATE), a.uint32(unix.NFTA_LIMIT_BURST)
	unit := map[uint64]string{1: "second", 60: "minute", 3600: "hour", 86400: "day"}[a.uint64(unix.NFTA_LIMIT_UNIT)]
	short := map[string]string{"second": "sec", "minute": "min"}[unit]
	if short == "" {
		short = unit
	}
	option := fmt.Sprintf("-m limit --limit %d/%s", rate, short)
	const defaultBurst = 5
	if burst != defaultBurst {
		option += fmt.Sprintf(" --limit-burst %d", burst)
	}
	over, bytes := "", ""
	if a.uint32(unix.NFTA_LIMIT_FLAGS)&unix.NFT_LIMIT_F_INV != 0 {
		over = "over "
	}
	if a.uint32(unix.NFTA_LIMIT_TYPE) == unix.NFT_LIMIT_PKT_BYTES {
		bytes = " bytes"
	}
	d.add(netfilter.NotUnderstood(""), clause{order: byMatch, iptables: option, nft: fmt.Sprintf("limit rate %s%d%s/%s", over, rate, bytes, unit)})
}
