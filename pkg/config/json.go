// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"encoding/json"
	"slices"
)

// plainJSON rewrites a JSON document so that the YAML readers read it too. They
// do not know JSON's escapes \/ and \uD83D\uDE00, nor white space before a colon
// with a line break in it. Lines stay as they are, and so does data that is not
// JSON. Kubernetes, too, takes a text for JSON that begins with a brace
// (k8s.io/apimachinery, yaml.ToJSON).
func plainJSON(data []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || !json.Valid(data) {
		return data
	}
	var out []byte
	for {
		start := bytes.IndexByte(data, '"')
		if start < 0 {
			return append(out, data...)
		}
		end := stringEnd(data, start)
		out = append(append(out, colonFirst(data[:start])...), plainString(data[start:end])...)
		data = data[end:]
	}
}

// colonFirst moves a colon, if the text between two strings begins with one,
// before the white space.
func colonFirst(between []byte) []byte {
	rest := bytes.TrimLeft(between, " \t\r\n")
	if !bytes.HasPrefix(rest, []byte(":")) {
		return between
	}
	space := between[:len(between)-len(rest)]
	return slices.Concat([]byte(":"), space, rest[1:])
}

// stringEnd returns the index behind the JSON string that begins at start.
func stringEnd(data []byte, start int) int {
	for i := start + 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// plainString rewrites a JSON string, if it has escapes, with those that YAML has
// too.
func plainString(quoted []byte) []byte {
	var s string
	if !bytes.ContainsRune(quoted, '\\') || json.Unmarshal(quoted, &s) != nil {
		return quoted
	}
	plain, _ := json.Marshal(s) // a string always encodes
	return plain
}
