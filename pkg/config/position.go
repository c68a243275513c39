// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"encoding/json"
	"strings"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// position is the YAML node of a value. Problems take their lines and quotations
// from it. It never decides what a value is: sigs.k8s.io/yaml does, which does not
// record lines. The zero position is unknown.
type position struct {
	node *goyaml.Node
}

// line returns the line on which the value begins, from 1; 0 is unknown.
func (p position) line() int {
	if p.node == nil {
		return 0
	}
	return p.node.Line
}

// notJSON returns the line of the first key that is not a string, or number that is
// not finite, which JSON does not have; 0 if there is none.
func (p position) notJSON() int {
	if p.node == nil {
		return 0
	}
	for i, n := range p.node.Content {
		isKey := p.node.Kind == goyaml.MappingNode && i%2 == 0
		switch {
		case isKey && (n.Kind != goyaml.ScalarNode || n.ShortTag() == "!!null"),
			n.ShortTag() == "!!float" && strings.HasSuffix(strings.ToLower(n.Value), ".inf"),
			n.ShortTag() == "!!float" && strings.EqualFold(n.Value, ".nan"):
			return n.Line
		}
		if line := (position{n}).notJSON(); line > 0 {
			return line
		}
	}
	return 0
}

// target returns the node or, if it is an alias, the node that it refers to.
func (p position) target() *goyaml.Node {
	if p.node != nil && p.node.Kind == goyaml.AliasNode {
		return p.node.Alias
	}
	return p.node
}

// field is a key of a mapping.
type field struct {
	lines []int    // of the key; more than one if it is repeated
	value position // of the last one, which is the one that counts
}

// fields returns the keys of a mapping as they are written, without those that a
// merge (<<) adds.
func (p position) fields() map[string]field {
	all := make(map[string]field)
	n := p.target()
	if n == nil || n.Kind != goyaml.MappingNode {
		return all
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := position{n.Content[i]}.target()
		f := all[key.Value]
		all[key.Value] = field{append(f.lines, n.Content[i].Line), position{n.Content[i+1]}}
	}
	return all
}

// items returns the positions of the n items of a list.
func (p position) items(n int) []position {
	positions := make([]position, n)
	list := p.target()
	if list == nil || len(list.Content) != n { // the value may not be a list
		return positions
	}
	for i, item := range list.Content {
		positions[i] = position{item}
	}
	return positions
}

// text returns the value as the file has it: 10.0, where the value is the number 10.
func (p position) text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	if n := p.target(); n != nil && n.Kind == goyaml.ScalarNode {
		return n.Value
	}
	text, _ := json.Marshal(value) // values decoded from JSON can be encoded
	return string(text)
}

// expandedSize returns the size in bytes of the tree below n after each alias is
// replaced with its target. It stops counting just above limit, because an anchor
// can contain itself, and a few lines of aliases to aliases can expand to more
// bytes than a node has. sizes caches the sizes of anchors.
func expandedSize(n *goyaml.Node, limit int, sizes map[*goyaml.Node]int) int {
	if n.Kind == goyaml.AliasNode {
		n = n.Alias
	}
	if size, ok := sizes[n]; ok {
		return size
	}
	if n.Anchor != "" {
		sizes[n] = limit + 1
	}
	size := len(n.Value) + 1
	for _, child := range n.Content {
		size = min(size+expandedSize(child, limit, sizes), limit+1)
	}
	if n.Anchor != "" {
		sizes[n] = size
	}
	return size
}
