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

// cidrList is one of the lists of CIDRs, merged from all files.
type cidrList struct {
	key       string // as written in the first file that has it
	file      string // that file
	line      int
	byDefault bool
	written   int // the number of entries in all files, including duplicates
	networks  []network
}

// network is an entry of a list.
type network struct {
	prefix netip.Prefix // without host bits
	text   string       // as written
	file   string       // empty: a default
	line   int          // 0: unknown, or a default
}

func defaultList(key string, prefixes []netip.Prefix) cidrList {
	l := cidrList{key: key, byDefault: true, written: len(prefixes)}
	for _, prefix := range prefixes {
		l.networks = append(l.networks, network{prefix: prefix, text: prefix.String()})
	}
	return l
}

// prefixes returns the networks of the list; nil if it has none.
func (l cidrList) prefixes() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, n := range l.networks {
		prefixes = append(prefixes, n.prefix)
	}
	return prefixes
}

// parseList parses a list of CIDRs and appends it to l, or replaces the default. A
// null list is empty.
func (p *parser) parseList(l *cidrList, e entry) {
	items, ok := e.value.([]any)
	if !ok && e.value != nil {
		p.problems.add(e.line, e.key, e.position.text(e.value), listMessage(e.value))
	}
	if l.byDefault {
		*l = cidrList{key: e.key, file: p.file, line: e.line}
	}
	l.written += len(items)
	first := make(map[netip.Prefix]network)
	for _, n := range l.networks { // from other files
		first[n.prefix] = n
	}
	for i, position := range e.position.items(len(items)) {
		text, line := position.text(items[i]), cmp.Or(position.line(), e.line)
		prefix, m := parseItem(items[i], p.options.IPv6)
		if m != nil {
			p.problems.add(line, e.key, text, *m)
			continue
		}
		n := network{prefix.Masked(), text, p.file, line}
		if before, again := first[n.prefix]; again {
			p.warnings.add(line, e.key, text, message{"repeats " + p.reference(before.text, before.file, before.line), "remove one of the two"})
			continue
		}
		if n.prefix != prefix {
			p.warnings.add(line, e.key, text, message{"has host bits set, so its network is used", "write " + n.prefix.String()})
		}
		first[n.prefix] = n
		l.networks = append(l.networks, n)
	}
}

// listMessage returns the message about a value that is not a list.
func listMessage(value any) message {
	m := message{"is " + typeName(value) + ", not a list", `write one "- CIDR" per line below the key`}
	switch s, _ := value.(string); {
	case strings.HasPrefix(s, "- "):
		m.remedy = "write the list without | and without quotes"
	case strings.HasPrefix(s, "-"):
		m.remedy = "write a space after each dash"
	}
	return m
}

// checkLimit compares cidrLimit with the number of entries as written, including
// those of default lists. ip-masq-agent 2.12 counts them in the same way.
func (p *parser) checkLimit() {
	written := p.nonMasquerade.written + p.masquerade.written + p.source.written
	if !p.limit.valid || written <= p.limit.value {
		return
	}
	reason := fmt.Sprintf("is less than the %d entries of %s, %s and %s", written, keyNonMasquerade, keyMasquerade, keySource)
	file, line := p.limit.file, p.limit.line
	if p.limit.byDefault {
		reason = "(the default) " + reason
		l := p.nonMasquerade
		for _, other := range []cidrList{p.masquerade, p.source} {
			if l.byDefault {
				l = other
			}
		}
		file, line = l.file, l.line
	}
	p.setFile(file)
	p.problems.add(line, p.limit.key, strconv.Itoa(p.limit.value), message{
		reason, fmt.Sprintf("merge ranges, or raise cidrLimit to %d", written),
	})
}

// checkOverlap reports the networks that are in both lists of destinations. The
// longest prefix decides, and theirs are equal.
func (p *parser) checkOverlap() {
	nonMasquerade := make(map[netip.Prefix]network)
	for _, n := range p.nonMasquerade.networks {
		nonMasquerade[n.prefix] = n
	}
	for _, n := range p.masquerade.networks {
		other, both := nonMasquerade[n.prefix]
		if !both {
			continue
		}
		m := message{" in " + keyNonMasquerade, "keep it in one of the two lists"}
		if p.nonMasquerade.byDefault {
			m = message{" in the default of " + keyNonMasquerade, "remove it, or write " + keyNonMasquerade + " without it"}
		}
		p.setFile(n.file)
		m.reason = "is the same network as " + p.reference(other.text, other.file, other.line) + m.reason
		p.problems.add(n.line, p.masquerade.key, n.text, m)
	}
}

// checkEmptySources warns about an empty list of sources. It means the same as an
// absent key, so that a template that renders no items does not end all
// masquerading.
func (p *parser) checkEmptySources() {
	if l := p.source; !l.byDefault && l.written == 0 {
		p.setFile(l.file)
		p.warnings.add(l.line, l.key, "", message{"is empty, so traffic from any source is masqueraded", "write the ranges of the pods, or remove the key"})
	}
}
