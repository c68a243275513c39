// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"
)

// configMap is a ConfigMap of a manifest that has a configuration.
type configMap struct {
	name  string // NAMESPACE/NAME
	text  string // the value of the key "config"
	first int    // the manifest's line of the text's first
	block bool   // the text's lines are the manifest's: "config: |"
}

// line is the manifest's line of a line of the text.
func (m configMap) line(n int) int {
	if !m.block || n == 0 {
		return m.first
	}
	return m.first + n - 1
}

// configMaps returns the configurations of a manifest, and false if the text is
// none: a file that the agent reads has neither an apiVersion nor a kind. What
// does not parse is left to the agent's own parser, unless a part before it was
// a manifest's.
func configMaps(data []byte) (found []configMap, isManifest bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return found, isManifest
		case err != nil:
			return nil, false
		}
		for _, object := range objects(document.Content[0]) {
			if value(object, "apiVersion") == nil || value(object, "kind") == nil {
				continue
			}
			isManifest = true
			if m, ok := newConfigMap(object); ok {
				found = append(found, m)
			}
		}
	}
}

// objects takes a List of kubectl apart.
func objects(n *yaml.Node) []*yaml.Node {
	if items := value(n, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(scalar(value(n, "kind")), "List") {
		return append([]*yaml.Node{n}, items.Content...)
	}
	return []*yaml.Node{n}
}

func newConfigMap(object *yaml.Node) (configMap, bool) {
	text := value(value(object, "data"), "config")
	if scalar(value(object, "kind")) != "ConfigMap" || text == nil || text.Kind != yaml.ScalarNode {
		return configMap{}, false
	}
	metadata := value(object, "metadata")
	m := configMap{
		name:  cmp.Or(scalar(value(metadata, "namespace")), "default") + "/" + scalar(value(metadata, "name")),
		text:  text.Value,
		first: text.Line,
		block: text.Style&yaml.LiteralStyle != 0,
	}
	if m.block {
		m.first++ // behind the line of the "|"
	}
	return m, true
}

// value returns what a mapping has for a key, nil if it has nothing.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}
