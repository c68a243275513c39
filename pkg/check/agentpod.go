// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"

	"ip-masq-agent/pkg/config"
)

// defaultConfig is the default of --config.
const defaultConfig = "/etc/config/ip-masq-agent"

// agentPod is a DaemonSet, or another object with pods, that runs the agent.
type agentPod struct {
	name      string // KIND NAMESPACE/NAME
	line      int    // of the container
	args      []string
	config    string // the value of --config
	mounts    []configMapMount
	directory bool // config is the directory of a volume, whose files are merged
}

// configMapMount is a ConfigMap that is mounted at --config.
type configMapMount struct {
	configMap string // NAMESPACE/NAME
	key       string // empty: all keys
	path      string // in the directory, if --config is one
	optional  bool
}

// newAgentPod returns nil for an object that does not run the agent.
func newAgentPod(object *yaml.Node) *agentPod {
	pod := lookup(object, "spec", "template", "spec")
	if pod == nil {
		pod = lookup(object, "spec")
	}
	for _, container := range items(lookup(pod, "containers")) {
		args, ok := agentArgs(container)
		if !ok {
			continue
		}
		a := &agentPod{
			name:   text(lookup(object, "kind")) + " " + objectName(object),
			line:   container.Line,
			args:   args,
			config: path.Clean(configFlag(args)),
		}
		namespace, _, _ := strings.Cut(objectName(object), "/")
		a.addMounts(namespace, pod, container)
		return a
	}
	return nil
}

// agentArgs returns the arguments of a container that runs the agent: its command,
// its image or the container has the name of the agent. A container that runs a
// subcommand, such as cleanup, does not.
func agentArgs(container *yaml.Node) (args []string, ok bool) {
	var command []string
	for _, arg := range items(lookup(container, "command")) {
		command = append(command, text(arg))
	}
	for _, arg := range items(lookup(container, "args")) {
		args = append(args, text(arg))
	}
	if len(command) > 0 {
		ok = path.Base(command[0]) == "ip-masq-agent"
		args = append(command[1:], args...)
	} else {
		image, _, _ := strings.Cut(path.Base(text(lookup(container, "image"))), ":")
		ok = strings.HasPrefix(image, "ip-masq-agent") || text(lookup(container, "name")) == "ip-masq-agent"
	}
	return args, ok && (len(args) == 0 || strings.HasPrefix(args[0], "-"))
}

// configFlag returns the value of --config.
func configFlag(args []string) string {
	for i, arg := range args {
		name, value, ok := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case name != "config" || !strings.HasPrefix(arg, "-"):
		case ok:
			return value
		case i+1 < len(args):
			return args[i+1]
		}
	}
	return defaultConfig
}

// addMounts adds the ConfigMaps that are mounted at --config, or contain it.
func (a *agentPod) addMounts(namespace string, pod, container *yaml.Node) {
	for _, mount := range items(lookup(container, "volumeMounts")) {
		inMount, ok := below(text(lookup(mount, "mountPath")), a.config)
		if !ok {
			continue
		}
		inVolume := strings.Trim(path.Join(text(lookup(mount, "subPath")), inMount), "/")
		for _, volume := range items(lookup(pod, "volumes")) {
			if text(lookup(volume, "name")) != text(lookup(mount, "name")) {
				continue
			}
			sources := []*yaml.Node{lookup(volume, "configMap")}
			for _, s := range items(lookup(volume, "projected", "sources")) {
				sources = append(sources, lookup(s, "configMap"))
			}
			for _, s := range sources {
				m := configMapMount{configMap: namespace + "/" + text(lookup(s, "name")), optional: text(lookup(s, "optional")) == "true"}
				if inVolume == "" {
					a.directory = true
					a.mounts = append(a.mounts, m.files(s)...)
				} else if m.key = keyOf(s, inVolume); m.key != "" {
					a.mounts = append(a.mounts, m)
				}
			}
		}
	}
}

// below returns the path of file relative to a directory, if it is the directory
// or below it.
func below(directory, file string) (relative string, ok bool) {
	directory = strings.TrimSuffix(path.Clean(directory), "/") // "" is the root
	relative, ok = strings.CutPrefix(file, directory)
	return relative, ok && (relative == "" || strings.HasPrefix(relative, "/"))
}

// files returns the files that a source of a volume puts into the directory. The
// agent reads neither subdirectories nor names that begin with a dot.
func (m configMapMount) files(source *yaml.Node) []configMapMount {
	keys := lookup(source, "items")
	switch {
	case source == nil:
		return nil
	case keys == nil:
		return []configMapMount{m}
	}
	var files []configMapMount
	for _, item := range items(keys) {
		m.key, m.path = text(lookup(item, "key")), path.Clean(text(lookup(item, "path")))
		if !strings.Contains(m.path, "/") && !strings.HasPrefix(m.path, ".") {
			files = append(files, m)
		}
	}
	return files
}

// mountedKey returns the key of a ConfigMap that is the file of the agent.
func (a *agentPod) mountedKey(configMap string) (string, bool) {
	for _, m := range a.mounts {
		if m.configMap == configMap && !a.directory {
			return m.key, true
		}
	}
	return "", false
}

// startsWithoutConfigMap reports whether no ConfigMap that the agent mounts is
// required. The kubelet does not start a pod if a required one is missing.
func (a *agentPod) startsWithoutConfigMap() bool {
	return !slices.ContainsFunc(a.mounts, func(m configMapMount) bool { return !m.optional })
}

// doesNotMount returns the warning about a ConfigMap that the agent does not mount.
func (a *agentPod) doesNotMount(configMap, file string) config.Problem {
	mounted := "no ConfigMap"
	if len(a.mounts) > 0 {
		mounted = a.mounts[0].configMap
	}
	return config.Problem{
		File: file, Line: a.line,
		Reason: fmt.Sprintf("has %s, which does not read ConfigMap %s: it mounts %s at %s", a.name, configMap, mounted, a.config),
		Remedy: "write the same namespace, name and path in both",
	}
}

// keyOf returns the key of a ConfigMap that is the file at a path of its volume.
func keyOf(source *yaml.Node, file string) string {
	keys := lookup(source, "items")
	if keys == nil {
		if source == nil {
			return ""
		}
		return file
	}
	for _, item := range items(keys) {
		if path.Clean(text(lookup(item, "path"))) == file {
			return text(lookup(item, "key"))
		}
	}
	return ""
}
