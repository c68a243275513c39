// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"
)

// maxMerges is the maximum depth of YAML merges (<<) that are followed, because a
// merge can contain itself.
const maxMerges = 10

// deref returns the target of an alias, and any other node unchanged.
func deref(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// lookup returns the value at a path of keys, nil if there is none.
func lookup(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = mappingValue(n, key, maxMerges)
	}
	return deref(n)
}

// mappingValue returns the value of a key of a mapping or of the mappings that are
// merged into it.
func mappingValue(n *yaml.Node, key string, depth int) *yaml.Node {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var merges []*yaml.Node
	// Of a repeated key the last one counts, as in kubectl.
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		switch k := deref(n.Content[i]); {
		case k.Value == key:
			return deref(n.Content[i+1])
		case k.Tag == "!!merge":
			merges = append(merges, items(n.Content[i+1])...)
			merges = append(merges, n.Content[i+1])
		}
	}
	for _, m := range merges {
		if found := mappingValue(m, key, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// items returns the items of a list, none for any other node.
func items(n *yaml.Node) []*yaml.Node {
	if n = deref(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var out []*yaml.Node
	for _, item := range n.Content {
		out = append(out, deref(item))
	}
	return out
}

// text returns the text of a scalar, "" for any other node.
func text(n *yaml.Node) string {
	if n = deref(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// objects returns a Kubernetes object and, if it is a List, its items.
func objects(n *yaml.Node) []*yaml.Node {
	if strings.HasSuffix(text(lookup(n, "kind")), "List") {
		return append([]*yaml.Node{n}, items(lookup(n, "items"))...)
	}
	return []*yaml.Node{n}
}

// objectName returns NAMESPACE/NAME of an object.
func objectName(object *yaml.Node) string {
	namespace := text(lookup(object, "metadata", "namespace"))
	if namespace == "" {
		namespace = "default"
	}
	return namespace + "/" + text(lookup(object, "metadata", "name"))
}
