// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// set is a set or a map.
type set struct {
	name      string
	flags     uint32
	verdicts  bool // it is a verdict map
	elements  []setElement
	catchall  *netfilter.Verdict // of a verdict map; of any other the zero Verdict
	uncertain bool               // its elements may change while packets pass
}

// setElement has keys of all fields, as they are in registers: from and to are
// the same in a set without intervals.
type setElement struct {
	from, to []byte
	verdict  netfilter.Verdict
}

// set reads a set of the table, or returns what was read before.
func (r *tableReader) set(name string) (*set, error) {
	if s := r.sets[name]; s != nil {
		return s, nil
	}
	s, err := r.readSet(name)
	if err != nil {
		return nil, fmt.Errorf("reading set %s of table %s %s: %w", name, familyName(r.family), r.table, err)
	}
	r.sets[name] = s
	return s, nil
}

func (r *tableReader) readSet(name string) (*set, error) {
	m, err := r.conn.get(r.family, unix.NFT_MSG_GETSET, []netlink.Attribute{attrText(unix.NFTA_SET_TABLE, r.table), attrText(unix.NFTA_SET_NAME, name)})
	if err != nil {
		return nil, err
	}
	b := newSetBuilder(name, m)
	names := []netlink.Attribute{attrText(unix.NFTA_SET_ELEM_LIST_TABLE, r.table), attrText(unix.NFTA_SET_ELEM_LIST_SET, name)}
	if err := r.conn.dump(r.family, unix.NFT_MSG_GETSETELEM, names, b.add); err != nil {
		return nil, err
	}
	return b.build(), nil
}

// setBuilder collects the elements of a set.
type setBuilder struct {
	set  *set
	open []rawElement
}

// rawElement is one element as the kernel sends it. In a set with intervals of
// one field an element is the first key of an interval, or the first key after one.
type rawElement struct {
	key, keyEnd []byte
	end         bool
	verdict     netfilter.Verdict
}

// newSetBuilder parses an NFT_MSG_NEWSET.
func newSetBuilder(name string, m message) *setBuilder {
	s := &set{name: name, flags: m.uint32(unix.NFTA_SET_FLAGS)}
	s.verdicts = s.flags&unix.NFT_SET_MAP != 0 && m.uint32(unix.NFTA_SET_DATA_TYPE) == unix.NFT_DATA_VERDICT
	s.uncertain = s.flags&(unix.NFT_SET_EVAL|unix.NFT_SET_TIMEOUT) != 0
	return &setBuilder{set: s}
}

// add parses an NFT_MSG_NEWSETELEM, which has some of the elements.
func (b *setBuilder) add(m message) error {
	return eachAttribute(m.attributes[unix.NFTA_SET_ELEM_LIST_ELEMENTS], func(_ uint16, data []byte) error {
		return b.element(data)
	})
}

var errNoKey = errors.New("a set element has no key")

func (b *setBuilder) element(data []byte) error {
	a, err := parseAttributes(data)
	if err != nil {
		return err
	}
	if err := b.checkCertainty(a); err != nil {
		return err
	}
	var e rawElement
	if b.set.verdicts && a.has(unix.NFTA_SET_ELEM_DATA) {
		data, err := a.nested(unix.NFTA_SET_ELEM_DATA)
		if err != nil {
			return err
		}
		if e.verdict, err = parseVerdict(data); err != nil {
			return err
		}
	}
	flags := a.uint32(unix.NFTA_SET_ELEM_FLAGS)
	if flags&elemCatchall != 0 {
		b.set.catchall = &e.verdict
		return nil
	}
	e.end = flags&unix.NFT_SET_ELEM_INTERVAL_END != 0
	if e.key, err = dataValue(a, unix.NFTA_SET_ELEM_KEY); err != nil {
		return err
	}
	if len(e.key) == 0 {
		return errNoKey
	}
	if e.keyEnd, err = dataValue(a, elemKeyEnd); err != nil {
		return err
	}
	b.open = append(b.open, e)
	return nil
}

// checkCertainty marks the set as uncertain if an element ends by itself, or has an
// expression other than a counter, which may keep the element from matching.
func (b *setBuilder) checkCertainty(a attributes) error {
	if a.has(unix.NFTA_SET_ELEM_TIMEOUT) || a.has(unix.NFTA_SET_ELEM_EXPIRATION) {
		b.set.uncertain = true
	}
	check := func(_ uint16, data []byte) error {
		e, err := parseAttributes(data)
		if name := e.string(unix.NFTA_EXPR_NAME); name != "counter" && name != "last" {
			b.set.uncertain = true
		}
		return err
	}
	if a.has(unix.NFTA_SET_ELEM_EXPR) {
		if err := check(0, a[unix.NFTA_SET_ELEM_EXPR]); err != nil {
			return err
		}
	}
	return eachAttribute(a[elemExpressions], check)
}

// dataValue returns the bytes of a nested NFTA_DATA_VALUE, nil if there is none.
func dataValue(a attributes, kind uint16) ([]byte, error) {
	if !a.has(kind) {
		return nil, nil
	}
	data, err := a.nested(kind)
	return data[unix.NFTA_DATA_VALUE], err
}

// build returns the set with its intervals put together.
func (b *setBuilder) build() *set {
	intervals := b.set.flags&unix.NFT_SET_INTERVAL != 0
	if intervals && slices.ContainsFunc(b.open, func(e rawElement) bool { return e.keyEnd != nil }) {
		intervals = false // each element has both ends
	}
	if !intervals {
		for _, e := range b.open {
			out := setElement{from: e.key, to: e.key, verdict: e.verdict}
			if e.keyEnd != nil {
				out.to = e.keyEnd
			}
			b.set.elements = append(b.set.elements, out)
		}
		return b.set
	}
	// The kernel's order differs from version to version.
	sort.Slice(b.open, func(i, j int) bool {
		x, y := b.open[i], b.open[j]
		c := bytes.Compare(x.key, y.key)
		return c < 0 || c == 0 && x.end && !y.end // an interval ends before the next one begins
	})
	for i, e := range b.open {
		if e.end {
			continue
		}
		// The key of the next element, of either kind, is the first one outside. Without
		// a next element the interval extends to the highest key.
		out := setElement{from: e.key, to: bytes.Repeat([]byte{0xff}, len(e.key)), verdict: e.verdict}
		if i+1 < len(b.open) {
			out.to = netfilter.Predecessor(b.open[i+1].key)
		}
		b.set.elements = append(b.set.elements, out)
	}
	return b.set
}
