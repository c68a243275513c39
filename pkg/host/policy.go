// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"slices"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// policy is what the routing policy rules of a family, see ip-rule(8), test
// besides the destination.
type policy struct {
	marks     []uint32 // packet marks that rules test
	selective bool     // rules test the source, the incoming device or other properties
	opaque    bool     // some tests are not understood
}

// readPolicy reads the rules of both families. If that fails, it returns a policy
// that may test anything.
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
