// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"cmp"
	"sort"
)

// entry is a key of a file with its value: nil, bool, json.Number, string, []any
// or map[string]any.
type entry struct {
	key      string // as written
	line     int    // of the key
	value    any
	position position // of the value
}

// occurrence is a key where a file sets it.
type occurrence struct {
	key, file string
	line      int
}

// entries returns the keys of a file in the order of its lines, and reports keys
// that are set twice. Keys that differ only in case are the same key: encoding/json
// would use one of them at random.
func (p *parser) entries(values map[string]any, root position) []entry {
	var entries, occurrences []entry
	fields := root.fields()
	merge := append(fields["<<"].lines, 0)[:1]
	for key, value := range values {
		f, ok := fields[key]
		if !ok { // the key comes from a merge
			f.lines = merge
		}
		for _, line := range f.lines {
			occurrences = append(occurrences, entry{key: key, line: line})
		}
		entries = append(entries, entry{key, f.lines[len(f.lines)-1], value, f.value})
	}
	for _, list := range [][]entry{entries, occurrences} {
		sort.Slice(list, func(i, j int) bool {
			return cmp.Or(cmp.Compare(list[i].line, list[j].line), cmp.Compare(list[i].key, list[j].key)) < 0
		})
	}
	first := make(map[string]entry)
	for _, o := range occurrences {
		name := canonical(o.key)
		if before, again := first[name]; again {
			p.problems.add(o.line, o.key, "", message{
				"is set twice, here and as " + p.reference(before.key, p.file, before.line),
				"keep one of the two",
			})
			continue
		}
		first[name] = o
	}
	return entries
}

// definedElsewhere reports whether another file sets the key as well, and adds a
// problem if so.
func (p *parser) definedElsewhere(e entry) bool {
	name := canonical(e.key)
	before, ok := p.defined[name]
	if ok && before.file != p.file {
		p.problems.add(e.line, e.key, "", message{
			"is set in two files, here and as " + p.reference(before.key, before.file, before.line),
			"keep one of the two",
		})
		return true
	}
	p.defined[name] = occurrence{e.key, p.file, e.line}
	return false
}
