// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/config"
)

// configuration is what one agent reads: a key of a ConfigMap, or the files of a
// directory. It has no parts if the manifest has only the agent.
type configuration struct {
	parts []part
	agent *agentPod // whose flags apply; nil if there is none
	// unmounted means that agent does not mount the ConfigMap.
	unmounted bool
}

// part is a file of a configuration.
type part struct {
	configMapKey
	path string // of a file in a directory; empty otherwise
}

// name returns NAMESPACE/NAME of the ConfigMaps. Without parts they are those that
// the agent mounts.
func (c configuration) name() string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, p := range c.parts {
		add(p.name)
	}
	if len(c.parts) == 0 {
		for _, m := range c.agent.mounts {
			add(m.configMap)
		}
	}
	return strings.Join(names, ", ")
}

// check checks the configuration with the flags of the agent that mounts it.
// Problems get the lines of the manifest.
func (c configuration) check(file string, o Options) (r Result) {
	defer func() { r.ConfigMap = c.name() }()
	for _, p := range c.parts {
		if p.err == nil {
			continue
		}
		remedy := "write the configuration there"
		if c.agent != nil {
			remedy += ": " + c.agent.name + " mounts it"
		}
		return invalid(file, config.Problem{File: file, Line: p.firstLine, Reason: p.err.Error(), Remedy: remedy})
	}
	if c.agent != nil && o.WithFlags != nil {
		var err error
		if o, err = o.WithFlags(o, c.agent.args); err != nil {
			return invalid(file, config.Problem{
				File: file, Line: c.agent.line, Reason: fmt.Sprintf("has invalid arguments of %s (%v)", c.agent.name, err), Remedy: "correct them",
			})
		}
	}
	files, lines, size := config.Files{}, map[string]func(int) int{}, 0
	for _, p := range c.parts {
		name := cmp.Or(p.path, file)
		files, lines[name], size = append(files, config.File{Name: name, Data: []byte(p.text)}), p.line, size+len(p.text)
		if problem := config.CheckSize(file, size); problem != nil {
			problem.Line = p.firstLine
			return invalid(file, *problem)
		}
	}
	if len(c.parts) == 0 {
		files = config.Files{{Name: file}} // an empty file has the same meaning as none
	}
	r = checkFiles(file, files, o)
	r.Defaults = len(c.parts) == 0
	if c.agent != nil {
		r.Agent, r.Flags = c.agent.name, c.agent.args
	}
	for _, problems := range [][]config.Problem{r.Problems, r.Warnings} {
		for i := range problems {
			if line, ok := lines[problems[i].File]; ok {
				problems[i].File, problems[i].Line = file, line(problems[i].Line)
			}
		}
	}
	if c.agent != nil && c.unmounted {
		r.Warnings = append(r.Warnings, c.agent.doesNotMount(c.name(), file))
	}
	return r
}
