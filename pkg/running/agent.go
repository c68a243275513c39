// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package running finds the agent that runs on this node, for the subcommands. They
// use its flags, and the backend that it really uses.
package running

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/printable"
)

// Agent is an agent that runs on this node.
type Agent struct {
	PID  int      `json:"pid"`
	Args []string `json:"args"`

	Options flags.Options `json:"-"` // from Args
}

// Line returns the arguments in one printable line.
func (a *Agent) Line() string { return printable.Line(strings.Join(a.Args, " ")) }

// Agents returns the agents in this network namespace: processes of root that run
// this program without a subcommand. In the container of the agent that is process
// 1. Other pods see no agent unless they have hostPID.
func Agents() []*Agent {
	const root = procfs("/proc")
	namespace, err := root.networkNamespace("self")
	if err != nil {
		return nil
	}
	var found []*Agent
	for _, pid := range root.pids() {
		process := fmt.Sprint(pid)
		if other, err := root.networkNamespace(process); err != nil || other != namespace || pid == os.Getpid() {
			continue
		}
		command := root.command(process)
		if filepath.Base(command[0]) != "ip-masq-agent" || !root.isRoot(process) || !isAgent(root.path(process, "exe")) {
			continue
		}
		set := flags.NewOtherAgent()
		if err := set.Parse(command[1:]); err != nil || len(set.Args) > 0 {
			continue // a subcommand
		}
		found = append(found, &Agent{PID: pid, Args: command[1:], Options: set.Options})
	}
	return slices.DeleteFunc(slices.Clone(found), func(a *Agent) bool {
		// Between fork and exec, a child of an agent has the arguments of the agent.
		parent := root.parent(fmt.Sprint(a.PID))
		return slices.ContainsFunc(found, func(p *Agent) bool { return p.PID == parent })
	})
}

// Single returns the agent that runs here; nil if there is none. It is an error if
// there are several.
func Single() (*Agent, error) {
	agents := Agents()
	switch len(agents) {
	case 0:
		return nil, nil
	case 1:
		return agents[0], nil
	}
	return nil, severalAgents(agents)
}

// severalAgents returns the error for several agents.
func severalAgents(agents []*Agent) error {
	var processes []string
	chains := map[string]bool{}
	for _, a := range agents {
		processes = append(processes, fmt.Sprintf("process %d: %s", a.PID, a.Line()))
		chains[a.Options.Masq.ChainName] = true
	}
	effect := "each has its own chain, so traffic is masqueraded if one of the chains says so"
	if len(chains) < len(agents) {
		effect = "some of them manage the same chain, so each overwrites the rules of the other if their files differ"
	}
	return fmt.Errorf("%d agents run on this node, and %s. Stop all but one, or give the flags of the agent to examine\n%s", len(agents), effect, strings.Join(processes, "\n"))
}

// Root returns the directory at which this process sees the files of the agent:
// /proc/PID/root if the agent has a mount namespace of its own, "" otherwise.
func (a *Agent) Root() string {
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", a.PID))
	own, ownErr := os.Readlink("/proc/self/ns/mnt")
	if err != nil || ownErr != nil || theirs == own {
		return ""
	}
	return fmt.Sprintf("/proc/%d/root", a.PID)
}

// ConfigFile returns the path at which this process can read the configuration of
// the agent.
func (a *Agent) ConfigFile() string {
	path := a.Options.ConfigFile
	if !filepath.IsAbs(path) {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", a.PID)); err == nil {
			path = filepath.Join(dir, path)
		}
	}
	return a.Root() + path
}
