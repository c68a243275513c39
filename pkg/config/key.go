// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import "strings"

// The keys of the file.
const (
	keyNonMasquerade     = "nonMasqueradeCIDRs"
	keyMasquerade        = "masqueradeCIDRs"
	keyLimit             = "cidrLimit"
	keyMasqLinkLocal     = "masqLinkLocal"
	keyMasqLinkLocalIPv6 = "masqLinkLocalIPv6"
	keyResyncInterval    = "resyncInterval"
)

func knownKeys() []string {
	return []string{
		keyNonMasquerade, keyMasquerade, keyLimit,
		keyMasqLinkLocal, keyMasqLinkLocalIPv6, keyResyncInterval,
	}
}

// canonical returns the known key that key is, or "". Case does not matter, as
// it never did in ip-masq-agent, which decodes with encoding/json.
func canonical(key string) string {
	for _, known := range knownKeys() {
		if strings.EqualFold(key, known) {
			return known
		}
	}
	return ""
}

// unknownKey is the fault of a key that is not known.
func unknownKey(key string) fault {
	const reason = "is an unknown key"
	if strings.EqualFold(key, "config") {
		return fault{reason, "write only what is below it: this file is the value of the ConfigMap's key \"config\""}
	}
	if known := nearest(key, knownKeys()); known != "" {
		return fault{reason, "did you mean " + known + "?"}
	}
	return fault{reason, "remove it; the keys are " + strings.Join(knownKeys(), ", ")}
}

// nearest returns the candidate that a slip of the hand most likely turned into
// word, or "": no more than a third of the candidate's letters may be wrong.
func nearest(word string, candidates []string) string {
	if len(word) > maxQuoted {
		return ""
	}
	best, bestDistance := "", maxQuoted
	for _, c := range candidates {
		d := distance(strings.ToLower(word), strings.ToLower(c))
		if d <= len(c)/3 && d < bestDistance {
			best, bestDistance = c, d
		}
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
