// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
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
	agent *agentPod
	err   error // why there is no text
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
// does not parse is left to the agent's own parser.
func configMaps(data []byte) (found []configMap, isManifest bool) {
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
func choose(maps []*yaml.Node, agents []*agentPod) (found []configMap) {
	for _, object := range maps {
		for _, a := range agents {
			if key, ok := a.mounts[objectName(object)]; ok {
				m := newConfigMap(object, key)
				m.agent = a
				found = append(found, m)
			}
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
			if len(agents) == 1 {
				m.agent = agents[0]
			}
			found = append(found, m)
			break
		}
	}
	return found
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
