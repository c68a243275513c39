// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"strings"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// The keys of the file.
const (
	keyNonMasquerade     = "nonMasqueradeCIDRs"
	keyMasquerade        = "masqueradeCIDRs"
	keySource            = "sourceCIDRs"
	keyLimit             = "cidrLimit"
	keyMasqLinkLocal     = "masqLinkLocal"
	keyMasqLinkLocalIPv6 = "masqLinkLocalIPv6"
	keyResyncInterval    = "resyncInterval"
)

// key is a key of the file with the function that parses its value.
type key struct {
	name  string
	parse func(*parser, entry)
}

// keys returns all keys. A key that is not in this table is unknown.
func keys() []key {
	return []key{
		{keyNonMasquerade, func(p *parser, e entry) { p.parseList(&p.nonMasquerade, e) }},
		{keyMasquerade, func(p *parser, e entry) { p.parseList(&p.masquerade, e) }},
		{keySource, func(p *parser, e entry) { p.parseList(&p.source, e) }},
		{keyLimit, scalarKey(func(p *parser, e entry) *message {
			p.limit = cidrLimit{key: e.key, file: p.file, line: e.line}
			m := assign(&p.limit.value, parseLimit, e)
			p.limit.valid = m == nil
			return m
		})},
		{keyMasqLinkLocal, scalarKey(func(p *parser, e entry) *message { return assign(&p.config.MasqLinkLocal, parseBool, e) })},
		{keyMasqLinkLocalIPv6, scalarKey(func(p *parser, e entry) *message { return assign(&p.config.MasqLinkLocalIPv6, parseBool, e) })},
		{keyResyncInterval, scalarKey(func(p *parser, e entry) *message { return assign(&p.config.ResyncInterval, parseInterval, e) })},
	}
}

// findKey returns the key with the name that is written in a file. Case does not
// matter, as in ip-masq-agent 2.12, which decodes with encoding/json.
func findKey(written string) (key, bool) {
	for _, k := range keys() {
		if strings.EqualFold(written, k.name) {
			return k, true
		}
	}
	return key{}, false
}

// canonical returns the name of a known key, and an unknown key unchanged.
func canonical(written string) string {
	if k, ok := findKey(written); ok {
		return k.name
	}
	return written
}

// keyNames lists the keys, for messages.
func keyNames() string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// unknownKeyMessage returns the message about an unknown key.
func unknownKeyMessage(written string) message {
	const reason = "is an unknown key"
	if strings.EqualFold(written, "config") {
		return message{reason, "write only what is below it: this file is the value of the ConfigMap's key \"config\""}
	}
	if remedy := otherAgentsKey(written); remedy != "" {
		return message{"is a key of another agent", remedy}
	}
	if known := nearest(written); known != "" {
		return message{reason, "did you mean " + known + "?"}
	}
	return message{reason, "remove it; the keys are " + keyNames()}
}

// Recognizes reports whether data looks like a configuration of this agent: it has
// a known key, one that resembles a known key, or one of a similar agent.
func Recognizes(data []byte) bool {
	var document goyaml.Node
	if err := goyaml.Unmarshal(JSONToYAML(data), &document); err != nil {
		for _, k := range keys() {
			if bytes.Contains(bytes.ToLower(data), []byte(strings.ToLower(k.name))) {
				return true
			}
		}
		return false
	}
	if len(document.Content) == 0 {
		return false
	}
	for written := range (position{document.Content[0]}).fields() {
		_, known := findKey(written)
		if known || nearest(written) != "" || otherAgentsKey(written) != "" {
			return true
		}
	}
	return false
}

// otherAgentsKey returns the suggested fix for a key of a fork of ip-masq-agent or
// of a similar agent, "" for any other key. The function nearest would suggest
// keys with the opposite meaning for most of them.
func otherAgentsKey(written string) string {
	none := "remove it; the keys of this agent are " + keyNames()
	for _, o := range []struct{ key, remedy string }{
		{"forceMasqueradeCIDRs", "write " + keyMasquerade},
		{"masqueradeAll", "write " + keyNonMasquerade + ": [] for true; remove it for false"},
		{"nonMasqueradeDstCIDRs", "write " + keyNonMasquerade},
		{"nonMasqueradeSrcCIDRs", none},
		{"masqueradeSrcCIDRs", "write " + keySource},
		{"masqLinkLocalIPv4", "write " + keyMasqLinkLocal},
	} {
		if strings.EqualFold(written, o.key) {
			return o.remedy
		}
	}
	return ""
}

// nearest returns the key of which written is most likely a misspelling, "" if
// there is none. A suggestion must not invert the meaning. Therefore keys that
// have an opposite, such as masqueradeCIDRs and sourceCIDRs, may differ in two
// letters, other keys in a third of their letters, and if two keys are equally
// near, neither is suggested.
func nearest(written string) string {
	if len(written) > maxQuoted {
		return ""
	}
	best, bestDistance := "", maxQuoted
	for _, k := range keys() {
		maxDistance := len(k.name) / 3
		if strings.Contains(strings.ToLower(k.name), "masq") || k.name == keySource {
			maxDistance = 2
		}
		switch d := distance(strings.ToLower(written), strings.ToLower(k.name)); {
		case d > maxDistance:
		case d < bestDistance:
			best, bestDistance = k.name, d
		case d == bestDistance:
			best = ""
		}
	}
	lower := strings.ToLower(written)
	switch best {
	case keyMasquerade:
		// nMasqueradeCIDRs resembles masqueradeCIDRs, but may be a misspelling of
		// nonMasqueradeCIDRs.
		if strings.HasPrefix(lower, "n") || strings.Contains(lower, "no") {
			return ""
		}
	case keyMasqLinkLocal, keyMasqLinkLocalIPv6, keySource:
		// noMasqLinkLocal and masqNoLinkLocal resemble masqLinkLocal, but may mean the
		// opposite.
		if lower[0] != best[0] || strings.Contains(lower, "no") {
			return ""
		}
	}
	if best == keyMasqLinkLocal && strings.Contains(written, "6") {
		return keyMasqLinkLocalIPv6
	}
	return best
}

// distance returns the minimum number of bytes to insert, delete, replace or swap
// with the next byte to turn a into b (optimal string alignment distance).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
