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
	"unicode/utf8"

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
		p.addSyntaxError(data, position{}, err)
		return position{}, false
	}
	root = position{document.Content[0]}
	if expandedSize(root.node, maxExpanded, map[*goyaml.Node]int{}) > maxExpanded {
		p.problems.add(0, "", "", message{"is larger than 4 MiB after its aliases are replaced", "write the values without & and *"})
		return position{}, false
	}
	switch line, err := nextDocument(decoder); {
	case err != nil:
		p.addSyntaxError(data, position{}, err)
		return position{}, false
	case line > 0:
		p.problems.add(line, "", "", message{"has more text after its first document", "write a single document"})
	}
	return root, true
}

// nextDocument returns the line of the first document in the rest of the text that
// is not empty; 0 if there is none. Templates often leave a last "---" without a
// document. The error is that of a document that does not parse.
func nextDocument(decoder *goyaml.Decoder) (line int, err error) {
	for {
		var next goyaml.Node
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return 0, nil
		case err != nil:
			return 0, err
		}
		if content := next.Content[0]; content.Tag != "!!null" {
			return content.Line, nil
		}
	}
}

// decode decodes the text as Kubernetes does. It returns nil for an empty file and
// for one with a problem.
func (p *parser) decode(data []byte, root position) map[string]any {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		p.addSyntaxError(data, root, err)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // cidrLimit is an integer
	var value any
	if err := decoder.Decode(&value); err != nil {
		p.addSyntaxError(data, root, err)
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
// that JSON cannot represent. The position root is that of the text if it is YAML.
func (p *parser) addSyntaxError(data []byte, root position, err error) {
	if line, text := findTemplate(data); line > 0 {
		p.problems.add(line, "", text, templateMessage)
		return
	}
	line, text := splitLine(err)
	m := message{"does not parse (" + text + ")", "check indentation (spaces, no tabs), colons and quotes"}
	badLine, remedy := findBadCharacter(data)
	switch {
	case strings.Contains(text, "<document start>"):
		line++ // the library counts the lines of this error from 0
		m = message{
			"has more text after its first document, or a line that is indented less than the first",
			"write a single document, and begin all keys in the same column",
		}
	case strings.Contains(text, "map key"):
		line, m = root.notJSON(), message{"has a key that is not a string", "write keys such as resyncInterval"}
	case strings.Contains(text, "json: unsupported value"):
		line, m = root.notJSON(), message{"has a number that JSON cannot represent", "write numbers with digits, not .inf or .nan"}
	case badLine > 0:
		line, m.remedy = badLine, remedy
	case strings.Contains(text, "escape character"):
		m.remedy = `write / instead of \/, unless the whole file is JSON`
	case strings.Contains(text, "unknown anchor"):
		_, name, _ := strings.Cut(text, "'")
		name, _, _ = strings.Cut(name, "'")
		for i, l := range bytes.Split(data, []byte("\n")) {
			_, rest, found := bytes.Cut(withoutComment(l), []byte("*"+name))
			if found && line == 0 && (len(rest) == 0 || strings.IndexByte(" \t\r,:]}", rest[0]) >= 0) {
				line = i + 1
			}
		}
		m.remedy = "write the value instead of its name with *"
	case line > 0 || root.node == nil:
		m.remedy += " around this line"
	}
	if root.node == nil {
		line = max(line, 1) // the library does not name the first line
	}
	p.problems.add(line, "", "", m)
}

// findBadCharacter returns the first line with a character that YAML does not allow
// or does not treat as white space, and the suggested fix; line 0 if there is none.
func findBadCharacter(data []byte) (line int, remedy string) {
	for i, l := range bytes.Split(data, []byte("\n")) {
		switch {
		case !utf8.Valid(l):
			return i + 1, "save the file as UTF-8"
		case bytes.ContainsFunc(l, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' }):
			return i + 1, "remove the control character from this line"
		case bytes.Contains(withoutComment(l), []byte("\u00a0")):
			return i + 1, "replace the no-break spaces in this line, which YAML does not treat as spaces"
		}
	}
	return 0, ""
}

// withoutComment returns a line without its comment.
func withoutComment(line []byte) []byte {
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
		return nil
	}
	text, _, _ := bytes.Cut(line, []byte(" #"))
	return text
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
