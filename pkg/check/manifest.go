// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"

	"ip-masq-agent/pkg/config"
)

// configMap is a configuration in a ConfigMap of a manifest.
type configMap struct {
	name  string // NAMESPACE/NAME
	text  string // the value of the key
	first int    // the manifest's line of the text's first
	block bool   // the text's lines are the manifest's: "config: |"
	err   error  // why there is no text
}

// configuration is what one agent reads: a key of a ConfigMap, or the files of a
// directory.
type configuration struct {
	parts []part
	agent *agentPod // nil if the manifest has none
}

// part is a file that an agent reads.
type part struct {
	configMap
	path string // of a file of a directory; empty otherwise
}

// name returns NAMESPACE/NAME of the ConfigMaps.
func (c configuration) name() string {
	var names []string
	for _, p := range c.parts {
		if !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// line is the manifest's line of a line of the text.
func (m configMap) line(n int) int {
	if !m.block || n == 0 {
		return m.first
	}
	return m.first + n - 1
}

// configurations returns the configurations of a manifest, and false if the text is
// none: a file that the agent reads has neither an apiVersion nor a kind. What
// does not parse is left to the agent's own parser.
func configurations(data []byte) (found []configuration, isManifest bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var maps []*yaml.Node
	var agents []*agentPod
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return choose(maps, agents), isManifest
		case err != nil:
			return nil, false
		}
		for _, object := range objects(document.Content[0]) {
			if value(object, "apiVersion") == nil || value(object, "kind") == nil {
				continue
			}
			isManifest = true
			if scalar(value(object, "kind")) == "ConfigMap" {
				maps = append(maps, object)
			} else if a := newAgentPod(object); a != nil {
				agents = append(agents, a)
			}
		}
	}
}

// choose returns the configurations of this agent among the ConfigMaps of a
// manifest: what the agents of the same manifest mount; or, if it has none of
// that, the ConfigMaps that are named after the agent or have its keys in them.
func choose(maps []*yaml.Node, agents []*agentPod) (found []configuration) {
	for _, object := range maps {
		for _, a := range agents {
			if key, ok := a.key(objectName(object)); ok {
				found = append(found, configuration{[]part{{configMap: newConfigMap(object, key)}}, a})
			}
		}
	}
	for _, a := range agents {
		if parts := a.parts(maps); len(parts) > 0 {
			found = append(found, configuration{parts, a})
		}
	}
	if found != nil {
		return found
	}
	for _, object := range maps {
		for _, key := range []string{"config", "ip-masq-agent"} {
			m := newConfigMap(object, key)
			if m.err != nil || !strings.Contains(m.name, "ip-masq") && !config.Recognizes([]byte(m.text)) {
				continue
			}
			c := configuration{parts: []part{{configMap: m}}}
			if len(agents) == 1 {
				c.agent = agents[0]
			}
			found = append(found, c)
			break
		}
	}
	return found
}

// parts returns the files of an agent's directory in name order, as far as the
// manifest has their ConfigMaps. Of two with one path the kubelet mounts the last.
func (a *agentPod) parts(objects []*yaml.Node) []part {
	files := map[string]part{}
	for _, m := range a.mounts {
		for _, object := range objects {
			if objectName(object) != m.configMap || !a.directory {
				continue
			}
			for key, name := range m.names(object) {
				p := part{newConfigMap(object, key), path.Join(a.file, name)}
				if p.err == nil || !m.optional {
					files[name] = p
				}
			}
		}
	}
	var parts []part
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, files[name])
	}
	return parts
}

// names returns the keys that are mounted, and the names of the files that they
// become.
func (m mounted) names(object *yaml.Node) map[string]string {
	if m.key != "" {
		return map[string]string{m.key: m.path}
	}
	names := map[string]string{}
	for _, data := range []*yaml.Node{value(object, "data"), value(object, "binaryData")} {
		if data == nil || data.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(data.Content); i += 2 {
			if key := scalar(data.Content[i]); !strings.HasPrefix(key, ".") {
				names[key] = key
			}
		}
	}
	return names
}

// newConfigMap returns the value of a key of a ConfigMap.
func newConfigMap(object *yaml.Node, key string) configMap {
	m := configMap{name: objectName(object), first: object.Line}
	if text := value(object, "data", key); text != nil && text.Kind == yaml.ScalarNode {
		m.text, m.first, m.block = text.Value, text.Line, text.Style&yaml.LiteralStyle != 0
		if m.block {
			m.first++ // behind the line of the "|"
		}
		return m
	}
	binary := value(object, "binaryData", key)
	if binary == nil || binary.Kind != yaml.ScalarNode {
		m.err = fmt.Errorf("has no key %q", key)
		return m
	}
	m.first = binary.Line
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(binary.Value), ""))
	if err != nil {
		m.err = fmt.Errorf("has no base64 below binaryData, key %q: %w", key, err)
	}
	m.text = string(text)
	return m
}
