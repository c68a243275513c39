// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"encoding/json"

	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// place is where a value stands in the text. It lends messages their lines and
// their wording, and never decides what a value is: that is sigs.k8s.io/yaml's
// business, which keeps no lines. The zero place is unknown.
type place struct {
	node *goyaml.Node
}

// line returns the line the value begins on, from 1; 0 is unknown.
func (p place) line() int {
	if p.node == nil {
		return 0
	}
	return p.node.Line
}

// target returns the node itself or, for an alias, the one it stands for.
func (p place) target() *goyaml.Node {
	if p.node != nil && p.node.Kind == goyaml.AliasNode {
		return p.node.Alias
	}
	return p.node
}

// field is a key of a mapping.
type field struct {
	lines []int // that the key stands on, more than one if it is repeated
	value place // of the last one, which is the one that counts
}

// fields returns the keys of a mapping as they are written. What a merge (<<)
// brings in is not among them.
func (p place) fields() map[string]field {
	all := make(map[string]field)
	n := p.target()
	if n == nil || n.Kind != goyaml.MappingNode {
		return all
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := place{n.Content[i]}.target()
		f := all[key.Value]
		all[key.Value] = field{append(f.lines, n.Content[i].Line), place{n.Content[i+1]}}
	}
	return all
}

// items returns the places of a list's n items.
func (p place) items(n int) []place {
	places := make([]place, n)
	list := p.target()
	if list == nil || len(list.Content) != n { // the value may not be a list
		return places
	}
	for i, item := range list.Content {
		places[i] = place{item}
	}
	return places
}

// text returns value as the file writes it: 10.0, where the value is the
// number 10.
func (p place) text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	if n := p.target(); n != nil && n.Kind == goyaml.ScalarNode {
		return n.Value
	}
	text, _ := json.Marshal(value) // it was decoded from JSON, so it encodes
	return string(text)
}

// expanded returns the size of the tree below n in bytes once each alias is
// replaced with what it stands for. It counts to just above limit: an anchor
// that contains itself has no end. sizes remembers what anchors hold, for a few
// lines of aliases to aliases are enough for more bytes than a node has.
func expanded(n *goyaml.Node, limit int, sizes map[*goyaml.Node]int) int {
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
		size = min(size+expanded(child, limit, sizes), limit+1)
	}
	if n.Anchor != "" {
		sizes[n] = size
	}
	return size
}
