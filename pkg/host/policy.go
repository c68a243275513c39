// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// policy is what the policy rules of a family, ip-rule(8), ask of a packet
// besides its destination.
type policy struct {
	marks     []uint32 // that they name
	selective bool     // they ask for the source, the incoming device or the like
	opaque    bool     // what they ask for is not understood
}

// readPolicy reads the rules of both families. Where they cannot be read they
// may ask for anything.
func readPolicy(conn *rtnetlink.Conn) map[uint8]policy {
	rules, err := conn.Rule.List()
	out := map[uint8]policy{}
	if err != nil {
		unknown := policy{selective: true, opaque: true}
		return map[uint8]policy{unix.AF_INET: unknown, unix.AF_INET6: unknown}
	}
	for _, r := range rules {
		p := out[r.Family]
		p.add(r)
		out[r.Family] = p
	}
	return out
}

func (p *policy) add(r rtnetlink.RuleMessage) {
	a := r.Attributes
	if a == nil {
		return
	}
	if a.FwMark != nil && !slices.Contains(p.marks, *a.FwMark) {
		p.marks = append(p.marks, *a.FwMark)
	}
	switch {
	case a.Goto != nil, a.TunID != nil, a.UIDRange != nil, a.IPProto != nil, a.SPortRange != nil, a.DPortRange != nil,
		a.L3MDev != nil && *a.L3MDev != 0, r.TOS != 0:
		p.selective, p.opaque = true, true
	case r.SrcLength != 0, a.IIFName != nil, a.OIFName != nil:
		p.selective = true
	}
}
