// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"encoding/json"
	"slices"
)

// JSONToYAML rewrites a JSON document so that the YAML libraries can parse it. They
// support neither the escapes \/ and \uD83D\uDE00 of JSON nor a line break before a
// colon. Lines keep their numbers. Data that is not JSON is returned unchanged.
// Kubernetes also treats a text as JSON if it begins with a brace
// (k8s.io/apimachinery, yaml.ToJSON).
func JSONToYAML(data []byte) []byte {
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	if !json.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return data
	}
	data = text
	var out []byte
	for {
		start := bytes.IndexByte(data, '"')
		if start < 0 {
			return append(out, data...)
		}
		end := stringEnd(data, start)
		out = append(append(out, moveColon(data[:start])...), convertString(data[start:end])...)
		data = data[end:]
	}
}

// moveColon moves the colon at the start of the text between two strings, if there
// is one, before the white space.
func moveColon(between []byte) []byte {
	rest := bytes.TrimLeft(between, " \t\r\n")
	if !bytes.HasPrefix(rest, []byte(":")) {
		return between
	}
	space := between[:len(between)-len(rest)]
	return slices.Concat([]byte(":"), space, rest[1:])
}

// stringEnd returns the index of the first byte after the JSON string that begins
// at start.
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

// convertString rewrites a JSON string that has escapes with escapes that YAML
// supports as well.
func convertString(quoted []byte) []byte {
	var s string
	if !bytes.ContainsRune(quoted, '\\') || json.Unmarshal(quoted, &s) != nil {
		return quoted
	}
	converted, _ := json.Marshal(s) // cannot fail for a string
	return converted
}
