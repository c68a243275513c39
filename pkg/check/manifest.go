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

// configMapKey is a key of a ConfigMap in a manifest.
type configMapKey struct {
	name      string // NAMESPACE/NAME of the ConfigMap
	text      string // the value of the key
	firstLine int    // the line of the manifest on which the text begins
	block     bool   // each line of the text is a line of the manifest: "config: |"
	err       error  // why there is no text
}

// line returns the line of the manifest for a line of the text.
func (k configMapKey) line(n int) int {
	if !k.block || n == 0 {
		return k.firstLine
	}
	return k.firstLine + n - 1
}

// configurations returns the configurations in a manifest. isManifest is false if
// no document has an apiVersion and a kind, as a file that the agent reads. It is
// also false if the text does not parse: the parser of the agent reports that.
func configurations(data []byte) (found []configuration, isManifest bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(config.JSONToYAML(data)))
	var configMaps []*yaml.Node
	var agents []*agentPod
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return selectConfigurations(configMaps, agents), isManifest
		case err != nil:
			return nil, false
		}
		for _, object := range objects(document.Content[0]) {
			if lookup(object, "apiVersion") == nil || lookup(object, "kind") == nil {
				continue
			}
			isManifest = true
			if text(lookup(object, "kind")) == "ConfigMap" {
				configMaps = append(configMaps, object)
			} else if a := newAgentPod(object); a != nil {
				agents = append(agents, a)
			}
		}
	}
}

// selectConfigurations returns the configurations of the agent among ConfigMaps:
// those that agents in the same manifest mount or, if there are none, those that
// have the name of the agent or contain its keys. Each agent without any of these
// that starts without a ConfigMap gets a configuration without parts.
func selectConfigurations(configMaps []*yaml.Node, agents []*agentPod) (found []configuration) {
	configured := map[*agentPod]bool{}
	add := func(a *agentPod, parts []part) {
		configured[a] = true
		found = append(found, configuration{parts: parts, agent: a})
	}
	for _, object := range configMaps {
		for _, a := range agents {
			if key, ok := a.mountedKey(objectName(object)); ok {
				add(a, []part{{configMapKey: newConfigMapKey(object, key)}})
			}
		}
	}
	for _, a := range agents {
		if parts := a.parts(configMaps); len(parts) > 0 {
			add(a, parts)
		}
	}
	if found == nil {
		if found = unmounted(configMaps, agents); found != nil {
			return found
		}
	}
	for _, a := range agents {
		if !configured[a] && a.startsWithoutConfigMap() {
			add(a, nil)
		}
	}
	return found
}

// unmounted returns the configurations among ConfigMaps that no agent in the
// manifest mounts. If there is a single agent, they are checked with its flags.
func unmounted(configMaps []*yaml.Node, agents []*agentPod) (found []configuration) {
	for _, object := range configMaps {
		for _, key := range []string{"config", "ip-masq-agent"} {
			k := newConfigMapKey(object, key)
			if k.err != nil || !strings.Contains(k.name, "ip-masq") && !config.Recognizes([]byte(k.text)) {
				continue
			}
			c := configuration{parts: []part{{configMapKey: k}}, unmounted: true}
			if len(agents) == 1 {
				c.agent = agents[0]
			}
			found = append(found, c)
			break
		}
	}
	return found
}

// parts returns the files of the agent's directory whose ConfigMaps are in the
// manifest, in name order. If two have the same path, the kubelet mounts the last.
func (a *agentPod) parts(configMaps []*yaml.Node) []part {
	files := map[string]part{}
	for _, m := range a.mounts {
		for _, object := range configMaps {
			if objectName(object) != m.configMap || !a.directory {
				continue
			}
			for key, name := range m.fileNames(object) {
				p := part{newConfigMapKey(object, key), path.Join(a.config, name)}
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

// fileNames returns the names of the mounted files of a ConfigMap by their keys.
func (m configMapMount) fileNames(object *yaml.Node) map[string]string {
	if m.key != "" {
		return map[string]string{m.key: m.path}
	}
	names := map[string]string{}
	for _, data := range []*yaml.Node{lookup(object, "data"), lookup(object, "binaryData")} {
		if data == nil || data.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(data.Content); i += 2 {
			if key := text(data.Content[i]); !strings.HasPrefix(key, ".") {
				names[key] = key
			}
		}
	}
	return names
}

// newConfigMapKey reads a key of a ConfigMap.
func newConfigMapKey(object *yaml.Node, key string) configMapKey {
	k := configMapKey{name: objectName(object), firstLine: object.Line}
	if data := lookup(object, "data", key); data != nil && data.Kind == yaml.ScalarNode {
		k.text, k.firstLine, k.block = data.Value, data.Line, data.Style&yaml.LiteralStyle != 0
		if k.block {
			k.firstLine++ // the text begins after the line of the "|"
		}
		return k
	}
	binary := lookup(object, "binaryData", key)
	if binary == nil || binary.Kind != yaml.ScalarNode {
		k.err = fmt.Errorf("has no key %q", key)
		if lookup(object, "data", key) != nil {
			k.err = fmt.Errorf("has no text in key %q, which needs a | after the colon", key)
		}
		return k
	}
	k.firstLine = binary.Line
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(binary.Value), ""))
	if err != nil {
		k.err = fmt.Errorf("has no valid base64 in binaryData, key %q: %w", key, err)
	}
	k.text = string(data)
	return k
}
