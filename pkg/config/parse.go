// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"cmp"
	"slices"

	"sigs.k8s.io/yaml"
)

// Parse returns what data, the content of the named file, says: YAML or JSON as
// Kubernetes reads them, keys without regard to case, a default for each key
// that is absent.
//
// The warnings name what was accepted but reads better otherwise. The error, if
// any, is a [*Refusal] with all that is wrong; the Config is then empty. Both
// are bounded: after the first hundred problems the last one says how many more
// there are, and none repeats more than a few words of the file.
func Parse(file string, data []byte, o Options) (Config, []Problem, error) {
	c, _, warnings, err := Files{{Name: file, Data: data}}.Parse(o)
	return c, warnings, err
}

// Parse is [Parse] for what several files say together: their lists are
// concatenated, and any other key may be in one of them only. One invalid file
// makes the whole set invalid. The Origins are where the networks of the lists of
// destinations are written.
func (files Files) Parse(o Options) (Config, Origins, []Problem, error) {
	p := newParser(files, o)
	for _, f := range files {
		p.one(f)
	}
	// What is missing from a file that could not be read is no problem of others.
	if !p.incomplete {
		p.checkLimit()
		p.checkOverlap()
		p.warnOfNoSource()
	}
	if !p.problems.empty() {
		return Config{}, Origins{}, p.warnings.inOrder(), &Refusal{Problems: p.problems.inOrder()}
	}
	p.config.NonMasquerade = p.nonMasquerade.prefixes()
	p.config.Masquerade = p.masquerade.prefixes()
	p.config.Source = p.source.prefixes()
	return p.config, p.origins(), p.warnings.inOrder(), nil
}

// one reads one file.
func (p *parser) one(f File) {
	p.in(f.Name)
	switch {
	case f.Skipped:
		p.warnings.add(0, "", "", fault{"is not a regular file, so it is skipped", "remove it from the directory"})
		return
	case f.Err != nil:
		p.incomplete = true
		p.unreadableFile(f.Err)
		return
	}
	before := len(p.problems.problems)
	data := plainJSON(f.Data)
	root, ok := p.outline(data)
	if !ok {
		p.incomplete = true
		return
	}
	fields := p.values(data, root)
	p.incomplete = p.incomplete || len(p.problems.problems) > before
	p.mapping(fields, root)
	if len(p.problems.problems) == before {
		p.strict(data)
	}
}

// in makes a file the one that problems are in.
func (p *parser) in(file string) { p.file, p.problems.file, p.warnings.file = file, file, file }

// parser turns the files of a configuration into a Config.
type parser struct {
	options            Options
	file               string // that is read
	problems, warnings report
	given              map[string]mentioned // by the names of keys that only one file may have
	incomplete         bool                 // a file could not be read

	// What is in force: the defaults, until the file says otherwise.
	config                            Config
	nonMasquerade, masquerade, source list
	limit                             limit
}

func newParser(files Files, o Options) *parser {
	c := Default(o)
	names := files.Names()
	return &parser{
		options:       o,
		problems:      report{files: names},
		warnings:      report{files: names},
		given:         map[string]mentioned{},
		config:        c,
		nonMasquerade: defaultList(keyNonMasquerade, c.NonMasquerade),
		masquerade:    defaultList(keyMasquerade, c.Masquerade),
		source:        defaultList(keySource, c.Source),
		limit:         limit{key: keyLimit, byDefault: true, value: defaultLimit, valid: true},
	}
}

// entry is a key of the file with its value: nil, bool, json.Number, string,
// []any or map[string]any.
type entry struct {
	key   string // as written
	line  int    // of the key
	value any
	place place // of the value
}

// mentioned is a key as a file has it.
type mentioned struct {
	key, file string
	line      int
}

// giveOnce reports a key that another file has too, and returns false for it.
func (p *parser) giveOnce(e entry) bool {
	name := canonical(e.key)
	before, again := p.given[name]
	if again && before.file != p.file {
		p.problems.add(e.line, e.key, "", fault{
			"is given in two files, here and as " + p.mention(before.key, before.file, before.line),
			"keep it in one of the two",
		})
		return false
	}
	p.given[name] = mentioned{e.key, p.file, e.line}
	return true
}

// mapping reads the keys one by one.
func (p *parser) mapping(fields map[string]any, root place) {
	if isManifest(fields) {
		p.incomplete = true
		p.problems.add(root.line(), "", "", fault{
			"is a whole Kubernetes manifest",
			`write only the value of the ConfigMap's key "config"`,
		})
		return
	}
	for _, e := range p.entries(fields, root) {
		p.entry(e)
	}
}

// isManifest says whether the file is a whole ConfigMap and not the text in it.
func isManifest(fields map[string]any) bool {
	_, version := fields["apiVersion"]
	_, kind := fields["kind"]
	return version && kind
}

// entries returns the file's keys in its order, and reports those given twice.
// Keys that differ only in case are one key: the JSON library would let chance
// decide between them.
func (p *parser) entries(fields map[string]any, root place) []entry {
	var entries, mentions []entry
	written := root.fields()
	for key, value := range fields {
		f, ok := written[key]
		if !ok {
			f.lines = []int{0}
		}
		for _, line := range f.lines {
			mentions = append(mentions, entry{key: key, line: line})
		}
		entries = append(entries, entry{key, f.lines[len(f.lines)-1], value, f.value})
	}
	inOrder := func(a, b entry) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.key, b.key)) }
	slices.SortFunc(entries, inOrder)
	slices.SortFunc(mentions, inOrder)
	first := make(map[string]entry)
	for _, m := range mentions {
		name := canonical(m.key)
		if before, again := first[name]; again {
			p.problems.add(m.line, m.key, "", fault{
				"is given twice, here and as " + p.mention(before.key, p.file, before.line),
				"keep one of the two",
			})
			continue
		}
		first[name] = m
	}
	return entries
}

// entry reads the value of one key.
func (p *parser) entry(e entry) {
	k, ok := findKey(e.key)
	if !ok {
		p.problems.add(e.line, e.key, "", unknownKey(e.key))
		return
	}
	k.read(p, e)
}

// strict lets the strict reader of sigs.k8s.io/yaml have the last word on a
// file without problems. It refuses a key that a merge (<<) gives a second time,
// which no place shows.
func (p *parser) strict(data []byte) {
	if _, err := yaml.YAMLToJSONStrict(data); err != nil {
		_, message := location(err)
		p.problems.add(0, "", "", fault{"is ambiguous (" + message + ")", "give each key once, without <<"})
	}
}
