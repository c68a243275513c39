// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// list is a list of networks in force.
type list struct {
	key       string // as written, in the first file that has it
	file      string // that file
	line      int
	byDefault bool
	written   int // its entries in all files, those repeated included
	networks  []network
}

// network is one entry of a list.
type network struct {
	prefix netip.Prefix // without host bits
	text   string       // as written
	file   string       // empty: a default
	line   int          // 0: unknown, or a default
}

func defaultList(key string, prefixes []netip.Prefix) list {
	l := list{key: key, byDefault: true, written: len(prefixes)}
	for _, prefix := range prefixes {
		l.networks = append(l.networks, network{prefix: prefix, text: prefix.String()})
	}
	return l
}

// prefixes returns the networks of the list; none is nil.
func (l list) prefixes() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, n := range l.networks {
		prefixes = append(prefixes, n.prefix)
	}
	return prefixes
}

// list reads a list of CIDRs and appends it to l, or replaces the default. A
// null list is an empty one.
func (p *parser) list(l *list, e entry) {
	items, ok := e.value.([]any)
	if !ok && e.value != nil {
		p.problems.add(e.line, e.key, e.place.text(e.value), notAList(e.value))
	}
	if l.byDefault {
		*l = list{key: e.key, file: p.file, line: e.line}
	}
	l.written += len(items)
	first := make(map[netip.Prefix]network)
	for _, n := range l.networks { // of other files
		first[n.prefix] = n
	}
	for i, at := range e.place.items(len(items)) {
		text, line := at.text(items[i]), cmp.Or(at.line(), e.line)
		prefix, f := parseItem(items[i], p.options.IPv6)
		if f != nil {
			p.problems.add(line, e.key, text, *f)
			continue
		}
		n := network{prefix.Masked(), text, p.file, line}
		if before, again := first[n.prefix]; again {
			p.warnings.add(line, e.key, text, fault{"repeats " + p.mention(before.text, before.file, before.line), "remove one of the two"})
			continue
		}
		if n.prefix != prefix {
			p.warnings.add(line, e.key, text, fault{"has host bits set, so its network is used", "write " + n.prefix.String()})
		}
		first[n.prefix] = n
		l.networks = append(l.networks, n)
	}
}

// notAList is the fault of a value that should be a list of CIDRs.
func notAList(value any) fault {
	f := fault{"is " + kind(value) + ", not a list", `write one "- CIDR" a line below the key`}
	if s, ok := value.(string); ok && strings.HasPrefix(s, "-") {
		f.remedy = "write a space after each dash"
	}
	return f
}

// checkLimit counts the entries of the lists as they are written, default
// lists included: so does ip-masq-agent 2.12.
func (p *parser) checkLimit() {
	written := p.nonMasquerade.written + p.masquerade.written + p.source.written
	if !p.limit.valid || written <= p.limit.value {
		return
	}
	reason := fmt.Sprintf("is less than the %d entries of %s, %s and %s", written, keyNonMasquerade, keyMasquerade, keySource)
	line := p.limit.line
	p.in(p.limit.file)
	if p.limit.byDefault {
		reason = "(the default) " + reason
		l := p.nonMasquerade
		for _, other := range []list{p.masquerade, p.source} {
			if l.byDefault {
				l = other
			}
		}
		p.in(l.file)
		line = l.line
	}
	p.problems.add(line, p.limit.key, strconv.Itoa(p.limit.value), fault{
		reason, fmt.Sprintf("merge ranges, or raise cidrLimit to %d", written),
	})
}

// checkOverlap reports the networks that are in both lists: the longest prefix
// decides, and there is none.
func (p *parser) checkOverlap() {
	kept := make(map[netip.Prefix]network)
	for _, n := range p.nonMasquerade.networks {
		kept[n.prefix] = n
	}
	for _, n := range p.masquerade.networks {
		other, both := kept[n.prefix]
		if !both {
			continue
		}
		f := fault{" in " + keyNonMasquerade, "keep it in one of the two lists"}
		if p.nonMasquerade.byDefault {
			f = fault{" in the default of " + keyNonMasquerade, "remove it, or write " + keyNonMasquerade + " without it"}
		}
		p.in(n.file)
		f.reason = "is the same network as " + p.mention(other.text, other.file, other.line) + f.reason
		p.problems.add(n.line, p.masquerade.key, n.text, f)
	}
}

// warnOfNoSource warns of a list of sources without an entry. It is no restriction,
// as for a key that is absent: a template that renders no items must not end all
// masquerading.
func (p *parser) warnOfNoSource() {
	if l := p.source; !l.byDefault && l.written == 0 {
		p.in(l.file)
		p.warnings.add(l.line, l.key, "", fault{"is empty, so traffic from any source is masqueraded", "write the ranges of the pods, or remove the key"})
	}
}
