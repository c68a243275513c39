// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Parse parses the files: YAML or JSON as Kubernetes reads them. Keys are
// case-insensitive, and absent keys get their defaults. Several files are merged:
// their lists are concatenated, and only one file may have any other key. One
// invalid file makes all of them invalid.
//
// The Origins are the lines of the networks. The warnings name entries that are
// accepted but should be written differently. If the error is not nil, it is an
// [*InvalidError] with all problems of the files, and the Config is empty. Both
// lists are bounded: they have at most a hundred problems and one more that gives
// the number of the others, and a problem quotes at most 80 bytes of a file.
func (files Files) Parse(o Options) (Config, Origins, []Problem, error) {
	p := newParser(files, o)
	for _, f := range files {
		p.parseFile(f)
	}
	// If the content of a file is unknown, these checks could report problems that
	// do not exist.
	if !p.incomplete {
		p.checkLimit()
		p.checkOverlap()
		p.checkEmptySources()
	}
	if !p.problems.empty() {
		return Config{}, Origins{}, p.warnings.sorted(), &InvalidError{Problems: p.problems.sorted()}
	}
	p.config.NonMasquerade = p.nonMasquerade.prefixes()
	p.config.Masquerade = p.masquerade.prefixes()
	p.config.Source = p.source.prefixes()
	return p.config, p.origins(), p.warnings.sorted(), nil
}

// parser turns the files of a configuration into a Config.
type parser struct {
	options            Options
	file               string // the current one
	problems, warnings problemList
	defined            map[string]occurrence // by name, the keys that only one file may have
	incomplete         bool                  // the content of a file is unknown

	// The configuration so far: first the defaults, then what the files set.
	config                            Config
	nonMasquerade, masquerade, source cidrList
	limit                             cidrLimit
}

func newParser(files Files, o Options) *parser {
	c := Default(o)
	names := files.Names()
	return &parser{
		options:       o,
		problems:      problemList{files: names},
		warnings:      problemList{files: names},
		defined:       map[string]occurrence{},
		config:        c,
		nonMasquerade: defaultList(keyNonMasquerade, c.NonMasquerade),
		masquerade:    defaultList(keyMasquerade, c.Masquerade),
		source:        defaultList(keySource, c.Source),
		limit:         cidrLimit{key: keyLimit, byDefault: true, value: defaultLimit, valid: true},
	}
}

// setFile sets the file to which new problems belong.
func (p *parser) setFile(name string) { p.file, p.problems.file, p.warnings.file = name, name, name }

// parseFile parses one file.
func (p *parser) parseFile(f File) {
	p.setFile(f.Name)
	switch {
	case f.Skipped:
		p.warnings.add(0, "", "", message{"is not a regular file, so it is skipped", "remove it from the directory"})
		return
	case f.Err != nil:
		p.incomplete = true
		p.addReadError(f.Err)
		return
	}
	before := len(p.problems.problems)
	data := JSONToYAML(f.Data)
	root, ok := p.parseNodes(data)
	if !ok {
		p.incomplete = true
		return
	}
	values := p.decode(data, root)
	p.incomplete = p.incomplete || len(p.problems.problems) > before
	p.parseMapping(values, root)
	if len(p.problems.problems) == before {
		p.checkStrict(data)
	}
}

// parseMapping parses the keys of a file one by one.
func (p *parser) parseMapping(values map[string]any, root position) {
	if isManifest(values) {
		p.incomplete = true
		p.problems.add(root.line(), "", "", message{
			"is a whole Kubernetes manifest",
			`write only the value of the ConfigMap's key "config"`,
		})
		return
	}
	for _, e := range p.entries(values, root) {
		k, ok := findKey(e.key)
		if !ok {
			p.problems.add(e.line, e.key, "", unknownKeyMessage(e.key))
			continue
		}
		k.parse(p, e)
	}
}

// isManifest reports whether the file is a ConfigMap instead of a value in it.
func isManifest(values map[string]any) bool {
	_, version := values["apiVersion"]
	_, kind := values["kind"]
	return version && kind
}

// checkStrict parses a file without problems again, with the strict parser of
// sigs.k8s.io/yaml. It rejects a key that a YAML merge (<<) sets a second time,
// which the positions do not show.
func (p *parser) checkStrict(data []byte) {
	if _, err := yaml.YAMLToJSONStrict(data); err != nil {
		_, text := splitLine(err)
		m := message{"is ambiguous (" + text + ")", "set each key once, without <<"}
		var line int
		var key string
		if _, err := fmt.Sscanf(text, "unmarshal errors: line %d: key %q already set in map", &line, &key); err == nil {
			m = message{"is set twice, once by a merge (<<)", "keep one of the two"}
		}
		p.problems.add(line, key, "", m)
	}
}
