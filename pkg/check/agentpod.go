// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"path"
	"strings"

	"sigs.k8s.io/yaml/goyaml.v3"
)

// defaultFile is the default of --config.
const defaultFile = "/etc/config/ip-masq-agent"

// agentPod is a DaemonSet, or another object with pods, that runs the agent.
type agentPod struct {
	name   string // KIND NAMESPACE/NAME
	line   int    // of the container
	args   []string
	file   string // --config
	mounts []mounted
	// directory means that --config names a volume, whose files are merged.
	directory bool
}

// mounted is what a volume has of a ConfigMap as the agent's file, or as a file
// of its directory.
type mounted struct {
	configMap string // NAMESPACE/NAME
	key       string // empty: all of its keys
	path      string // in the directory, if it is one
	optional  bool
}

// newAgentPod returns nil for an object that runs no agent.
func newAgentPod(object *yaml.Node) *agentPod {
	pod := value(object, "spec", "template", "spec")
	if pod == nil {
		pod = value(object, "spec")
	}
	for _, container := range list(value(pod, "containers")) {
		args, ok := agentArgs(container)
		if !ok {
			continue
		}
		a := &agentPod{
			name: scalar(value(object, "kind")) + " " + objectName(object),
			line: container.Line,
			args: args,
			file: path.Clean(fileArg(args)),
		}
		namespace, _, _ := strings.Cut(objectName(object), "/")
		a.mount(namespace, pod, container)
		return a
	}
	return nil
}

// agentArgs returns the flags of a container that runs the agent: its command,
// its image or itself is named so. A subcommand, such as cleanup, is none.
func agentArgs(container *yaml.Node) (args []string, ok bool) {
	var command []string
	for _, word := range list(value(container, "command")) {
		command = append(command, scalar(word))
	}
	for _, word := range list(value(container, "args")) {
		args = append(args, scalar(word))
	}
	if len(command) > 0 {
		ok = path.Base(command[0]) == "ip-masq-agent"
		args = append(command[1:], args...)
	} else {
		image, _, _ := strings.Cut(path.Base(scalar(value(container, "image"))), ":")
		ok = strings.HasPrefix(image, "ip-masq-agent") || scalar(value(container, "name")) == "ip-masq-agent"
	}
	return args, ok && (len(args) == 0 || strings.HasPrefix(args[0], "-"))
}

// fileArg returns the value of --config.
func fileArg(args []string) string {
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
	return defaultFile
}

// mount finds the ConfigMaps that have the agent's file, or files.
func (a *agentPod) mount(namespace string, pod, container *yaml.Node) {
	for _, mount := range list(value(container, "volumeMounts")) {
		inVolume, ok := strings.CutPrefix(a.file, path.Clean(scalar(value(mount, "mountPath"))))
		if !ok {
			continue
		}
		inVolume = strings.Trim(path.Join(scalar(value(mount, "subPath")), inVolume), "/")
		for _, volume := range list(value(pod, "volumes")) {
			if scalar(value(volume, "name")) != scalar(value(mount, "name")) {
				continue
			}
			sources := []*yaml.Node{value(volume, "configMap")}
			for _, s := range list(value(volume, "projected", "sources")) {
				sources = append(sources, value(s, "configMap"))
			}
			for _, s := range sources {
				m := mounted{configMap: namespace + "/" + scalar(value(s, "name")), optional: scalar(value(s, "optional")) == "true"}
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

// files returns the files that a source puts into a directory: those that the
// agent reads, which are not in subdirectories and have no dot first.
func (m mounted) files(source *yaml.Node) []mounted {
	items := value(source, "items")
	switch {
	case source == nil:
		return nil
	case items == nil:
		return []mounted{m}
	}
	var files []mounted
	for _, item := range list(items) {
		m.key, m.path = scalar(value(item, "key")), path.Clean(scalar(value(item, "path")))
		if !strings.Contains(m.path, "/") && !strings.HasPrefix(m.path, ".") {
			files = append(files, m)
		}
	}
	return files
}

// key returns what is mounted of a ConfigMap as the agent's file.
func (a *agentPod) key(configMap string) (string, bool) {
	for _, m := range a.mounts {
		if m.configMap == configMap && !a.directory {
			return m.key, true
		}
	}
	return "", false
}

// keyOf returns the key of a ConfigMap that is the file at a path of its volume.
func keyOf(source *yaml.Node, file string) string {
	items := value(source, "items")
	if items == nil {
		if source == nil {
			return ""
		}
		return file
	}
	for _, item := range list(items) {
		if path.Clean(scalar(value(item, "path"))) == file {
			return scalar(value(item, "key"))
		}
	}
	return ""
}
