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

// key is a key of the file with the function that reads its value. A key that
// is not in the table of keys is unknown, so none can lack a reader.
type key struct {
	name string
	read func(*parser, entry)
}

func keys() []key {
	return []key{
		{keyNonMasquerade, func(p *parser, e entry) { p.list(&p.nonMasquerade, e) }},
		{keyMasquerade, func(p *parser, e entry) { p.list(&p.masquerade, e) }},
		{keySource, func(p *parser, e entry) { p.list(&p.source, e) }},
		{keyLimit, scalar(func(p *parser, e entry) *fault {
			p.limit = limit{key: e.key, file: p.file, line: e.line}
			f := set(&p.limit.value, parseLimit, e)
			p.limit.valid = f == nil
			return f
		})},
		{keyMasqLinkLocal, scalar(func(p *parser, e entry) *fault { return set(&p.config.MasqLinkLocal, parseBool, e) })},
		{keyMasqLinkLocalIPv6, scalar(func(p *parser, e entry) *fault { return set(&p.config.MasqLinkLocalIPv6, parseBool, e) })},
		{keyResyncInterval, scalar(func(p *parser, e entry) *fault { return set(&p.config.ResyncInterval, parseInterval, e) })},
	}
}

// findKey returns the key of the table that a key of the file is. Case does not
// matter, as it never did in ip-masq-agent, which decodes with encoding/json.
func findKey(written string) (key, bool) {
	for _, k := range keys() {
		if strings.EqualFold(written, k.name) {
			return k, true
		}
	}
	return key{}, false
}

// canonical returns the name of a known key, and any other key as it is.
func canonical(written string) string {
	if k, ok := findKey(written); ok {
		return k.name
	}
	return written
}

// keyNames lists the keys for a message.
func keyNames() string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// unknownKey is the fault of a key that is not known.
func unknownKey(written string) fault {
	const reason = "is an unknown key"
	if strings.EqualFold(written, "config") {
		return fault{reason, "write only what is below it: this file is the value of the ConfigMap's key \"config\""}
	}
	if remedy := otherAgentsKey(written); remedy != "" {
		return fault{"is a key of another agent", remedy}
	}
	if known := nearest(written); known != "" {
		return fault{reason, "did you mean " + known + "?"}
	}
	return fault{reason, "remove it; the keys are " + keyNames()}
}

// Recognizes reports whether data looks like a file of this agent: it has a key of
// it, or something that is meant to be one.
func Recognizes(data []byte) bool {
	var document goyaml.Node
	if err := goyaml.Unmarshal(plainJSON(data), &document); err != nil {
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
	for written := range (place{document.Content[0]}).fields() {
		_, known := findKey(written)
		if known || nearest(written) != "" || otherAgentsKey(written) != "" {
			return true
		}
	}
	return false
}

// otherAgentsKey returns what to write instead of a key of the agent's forks and
// relatives, "" for any other key. By their letters alone most of these resemble
// a key of the opposite meaning.
func otherAgentsKey(written string) string {
	none := "remove it; the keys here are " + keyNames()
	for _, o := range []struct{ key, remedy string }{
		{"forceMasqueradeCIDRs", "write " + keyMasquerade},
		{"masqueradeAll", "write " + keyNonMasquerade + ": [] for the same"},
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

// nearest returns the key that a typing error most likely turned into written,
// or "". A suggestion must not turn the meaning around: the keys that have an
// opposite, such as masqueradeCIDRs and sourceCIDRs, may differ in two letters,
// the others in a third of theirs, and of two equally near keys neither is
// suggested.
func nearest(written string) string {
	if len(written) > maxQuoted {
		return ""
	}
	best, bestDistance := "", maxQuoted
	for _, k := range keys() {
		most := len(k.name) / 3
		if strings.Contains(strings.ToLower(k.name), "masq") || k.name == keySource {
			most = 2
		}
		switch d := distance(strings.ToLower(written), strings.ToLower(k.name)); {
		case d > most:
		case d < bestDistance:
			best, bestDistance = k.name, d
		case d == bestDistance:
			best = ""
		}
	}
	// One letter in front makes a key that resembles masqueradeCIDRs, and may as
	// well be the rest of nonMasqueradeCIDRs.
	if best == keyMasquerade && strings.HasPrefix(strings.ToLower(written), "n") {
		return ""
	}
	// noSourceCIDRs is two letters from sourceCIDRs.
	if best == keySource && !strings.HasPrefix(strings.ToLower(written), "s") {
		return ""
	}
	return best
}

// distance is the least number of bytes inserted, deleted, replaced or swapped
// with their neighbour that turns a into b (optimal string alignment).
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
