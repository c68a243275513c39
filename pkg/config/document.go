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

// maxExpanded bounds what aliases can make of a file, in bytes.
const maxExpanded = 4 * maxSize

// outline reads the text for its lines, and for what sigs.k8s.io/yaml does not
// look at: whatever comes after the first document.
func (p *parser) outline(data []byte) (root place, ok bool) {
	decoder := goyaml.NewDecoder(bytes.NewReader(data))
	var document goyaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // empty, or only comments
		return place{}, true
	case err != nil:
		p.unreadable(data, err)
		return place{}, false
	}
	root = place{document.Content[0]}
	if expanded(root.node, maxExpanded, map[*goyaml.Node]int{}) > maxExpanded {
		p.problems.add(0, "", "", fault{"grows without measure when its aliases are followed", "write the values out, without & and *"})
		return place{}, false
	}
	if line, more := further(decoder); more {
		p.problems.add(line, "", "", fault{"has more text after its first document", "write a single document"})
		return place{}, false
	}
	return root, true
}

// further says whether anything but empty documents is left, and on which line.
// Templates often leave a last "---" with nothing behind it.
func further(decoder *goyaml.Decoder) (line int, more bool) {
	for {
		var next goyaml.Node
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return 0, false
		case err != nil:
			return 0, true // the error's line is often one too low
		}
		if content := next.Content[0]; content.Tag != "!!null" {
			return content.Line, true
		}
	}
}

// values reads the text as Kubernetes does. An empty file has no values, nor has
// one with a problem.
func (p *parser) values(data []byte, root place) map[string]any {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		p.unreadable(data, err)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // cidrLimit: 64 is to stay a whole number
	var value any
	if err := decoder.Decode(&value); err != nil {
		p.unreadable(data, err)
		return nil
	}
	switch value := value.(type) {
	case nil:
		return nil
	case map[string]any:
		return value
	}
	p.problems.add(root.line(), "", root.text(value), fault{
		"is " + kind(value) + ", not a mapping of keys to values",
		"write keys with values, such as resyncInterval: 60s",
	})
	return nil
}

// unreadable reports a text that is not YAML, or has what JSON cannot hold.
func (p *parser) unreadable(data []byte, err error) {
	if line, text := findTemplate(data); line > 0 {
		p.problems.add(line, "", text, templateFault)
		return
	}
	line, message := location(err)
	f := fault{"does not parse (" + message + ")", "check indentation (spaces, no tabs), colons and quotes"}
	switch {
	case strings.Contains(message, "map key"):
		f = fault{"has a key that is not a plain word", "write keys such as resyncInterval"}
	case strings.Contains(message, "json: unsupported value"):
		f = fault{"has a number that JSON cannot hold", "write numbers with digits, not .inf or .nan"}
	case line > 0:
		f.remedy += " around this line"
	}
	p.problems.add(line, "", "", f)
}

// location takes the line, 0 if there is none, and the message out of an error
// of the YAML libraries: "yaml: line 3: did not find expected key". They keep
// them in the text only.
func location(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, _ := fmt.Sscanf(message, "line %d:", &line); n == 1 {
		_, message, _ = strings.Cut(message, ": ")
	}
	// The message may repeat raw text of the file.
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, message)
	return line, clip(strings.Join(strings.Fields(printable), " "))
}

// kind names the type of a value that is not null.
func kind(value any) string {
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
