// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"
)

// maxMerges is the maximum depth of merges (<<) that are followed: one could
// contain itself.
const maxMerges = 10

// deref returns the node that an alias stands for, and any other as it is.
func deref(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value returns what a mapping has below a path of keys, nil if it has nothing.
func value(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		n = field(n, key, maxMerges)
	}
	return deref(n)
}

// field returns the value of one key, by a merge if not by the mapping itself.
func field(n *yaml.Node, key string, depth int) *yaml.Node {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch k := deref(n.Content[i]); {
		case k.Value == key:
			return deref(n.Content[i+1])
		case k.Tag == "!!merge":
			merges = append(merges, list(n.Content[i+1])...)
			merges = append(merges, n.Content[i+1])
		}
	}
	for _, m := range merges {
		if found := field(m, key, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// list returns the items of a list, none for anything else.
func list(n *yaml.Node) []*yaml.Node {
	if n = deref(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var items []*yaml.Node
	for _, item := range n.Content {
		items = append(items, deref(item))
	}
	return items
}

// scalar returns a text, "" for anything else.
func scalar(n *yaml.Node) string {
	if n = deref(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// objects returns an object of Kubernetes and, if it is a List, those in it.
func objects(n *yaml.Node) []*yaml.Node {
	if strings.HasSuffix(scalar(value(n, "kind")), "List") {
		return append([]*yaml.Node{n}, list(value(n, "items"))...)
	}
	return []*yaml.Node{n}
}

// objectName returns NAMESPACE/NAME of an object.
func objectName(object *yaml.Node) string {
	namespace := scalar(value(object, "metadata", "namespace"))
	if namespace == "" {
		namespace = "default"
	}
	return namespace + "/" + scalar(value(object, "metadata", "name"))
}
