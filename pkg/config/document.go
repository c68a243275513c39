// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// maxExpanded is the maximum size of a file in bytes after its aliases are
// replaced with their targets.
const maxExpanded = 4 * maxSize

// parseNodes parses the text into YAML nodes, for their lines. It also reports what
// sigs.k8s.io/yaml ignores: text after the first document.
func (p *parser) parseNodes(data []byte) (root position, ok bool) {
	decoder := goyaml.NewDecoder(bytes.NewReader(data))
	var document goyaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // empty, or only comments
		return position{}, true
	case err != nil:
		p.addSyntaxError(data, err)
		return position{}, false
	}
	root = position{document.Content[0]}
	if expandedSize(root.node, maxExpanded, map[*goyaml.Node]int{}) > maxExpanded {
		p.problems.add(0, "", "", message{"is larger than 4 MiB after its aliases are replaced", "write the values without & and *"})
		return position{}, false
	}
	if line, found := nextDocument(decoder); found {
		p.problems.add(line, "", "", message{"has more text after its first document", "write a single document"})
		return position{}, false
	}
	return root, true
}

// nextDocument reports whether the rest of the text has a document that is not
// empty, and its line. Templates often leave a last "---" without a document.
func nextDocument(decoder *goyaml.Decoder) (line int, found bool) {
	for {
		var next goyaml.Node
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return 0, false
		case err != nil:
			return 0, true // the line in the error is often one too low
		}
		if content := next.Content[0]; content.Tag != "!!null" {
			return content.Line, true
		}
	}
}

// decode decodes the text as Kubernetes does. It returns nil for an empty file and
// for one with a problem.
func (p *parser) decode(data []byte, root position) map[string]any {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		p.addSyntaxError(data, err)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // cidrLimit is an integer
	var value any
	if err := decoder.Decode(&value); err != nil {
		p.addSyntaxError(data, err)
		return nil
	}
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		return value
	}
	p.problems.add(root.line(), "", root.text(value), message{
		"is " + typeName(value) + ", not a mapping of keys to values",
		"write keys with values, such as resyncInterval: 60s",
	})
	return nil
}

// addSyntaxError adds the problem of a text that is not YAML, or that has values
// that JSON cannot represent.
func (p *parser) addSyntaxError(data []byte, err error) {
	if line, text := findTemplate(data); line > 0 {
		p.problems.add(line, "", text, templateMessage)
		return
	}
	line, text := splitLine(err)
	m := message{"does not parse (" + text + ")", "check indentation (spaces, no tabs), colons and quotes"}
	switch {
	case strings.Contains(text, "map key"):
		m = message{"has a key that is not a string", "write keys such as resyncInterval"}
	case strings.Contains(text, "json: unsupported value"):
		m = message{"has a number that JSON cannot represent", "write numbers with digits, not .inf or .nan"}
	case line > 0:
		m.remedy += " around this line"
	}
	p.problems.add(line, "", "", m)
}

// splitLine splits an error of the YAML libraries, such as "yaml: line 3: did not
// find expected key", into its line, 0 if it has none, and its text. The errors
// have no field for the line.
func splitLine(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
	}
	// The error may quote raw text of the file.
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return line, shorten(strings.Join(strings.Fields(printable), " "))
}

// typeName names the type of a value that is not null, for messages.
func typeName(value any) string {
	switch value.(type) {
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "a mapping"
}
