// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ip-masq-agent/pkg/printable"
)

// runningAgent is an agent that runs on this node.
type runningAgent struct {
	PID  int      `json:"pid"`
	Args []string `json:"args"`

	flags *flags
}

func (a *runningAgent) print(w io.Writer) {
	if a != nil {
		fmt.Fprintf(w, "With the flags of the agent that runs here, process %d: %s\n", a.PID, a.arguments())
	}
}

// arguments returns the command line in one printable line.
func (a *runningAgent) arguments() string { return printable.Line(strings.Join(a.Args, " ")) }

// runningAgents looks through the processes that can be seen from here for
// agents in this network namespace: processes of root that are this program. In
// the agent's own container that is process 1; another pod sees none, unless it
// has hostPID.
func runningAgents() []*runningAgent {
	self, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return nil
	}
	paths, _ := filepath.Glob("/proc/[0-9]*") // errs on bad patterns alone
	var out []*runningAgent
	for _, dir := range paths {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if ns, err := os.Readlink(dir + "/ns/net"); err != nil || ns != self || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(dir + "/cmdline")
		words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if err != nil || filepath.Base(words[0]) != "ip-masq-agent" || !isRoot(pid) || !isAgent(dir+"/exe") {
			continue
		}
		a := &runningAgent{PID: pid, Args: words[1:], flags: othersFlags()}
		if _, isVerb := findVerb(a.Args); isVerb || a.flags.parse(a.Args, 0, 0) != nil {
			continue
		}
		out = append(out, a)
	}
	all := slices.Clone(out)
	return slices.DeleteFunc(out, func(a *runningAgent) bool {
		// A child that an agent has just started, and that is not yet iptables.
		return slices.ContainsFunc(all, func(p *runningAgent) bool { return p.PID == parent(a.PID) })
	})
}

// isRoot reports whether a process' effective user is root, see /proc/PID/status in
// proc(5). Any user can give a process the agent's name.
func isRoot(pid int) bool {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // a process that is gone is nobody's
	for line := range strings.Lines(string(status)) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
			fields := strings.Fields(ids) // real, effective, saved, file system
			return len(fields) > 1 && fields[1] == "0"
		}
	}
	return false
}

// isAgent reports whether an executable is this program, of whatever version: its
// build information (runtime/debug.BuildInfo) names the package of main. It is
// searched as text, because the package debug/buildinfo would cost 0.2 MB.
func isAgent(exe string) bool {
	f, err := os.Open(exe)
	if err != nil {
		return false
	}
	defer f.Close()
	const maxSize = 64 << 20 // bytes; the agent has 10 MB
	marker := []byte("path\tip-masq-agent/cmd/" + "ip-masq-agent\n")
	r := io.LimitReader(f, maxSize)
	for buf, kept := make([]byte, 256<<10), 0; ; {
		n, err := r.Read(buf[kept:])
		chunk := buf[:kept+n]
		if bytes.Contains(chunk, marker) {
			return true
		}
		if err != nil {
			return false
		}
		// The marker may lie across the end of what was read.
		kept = copy(buf, chunk[max(0, len(chunk)-len(marker)):])
	}
}

// parent reads the parent of a process, 0 if it is gone: the second word behind
// the name, which is in parentheses, see /proc/PID/stat in proc(5).
func parent(pid int) int {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	words := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(words) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(words[1])
	return ppid
}

// agentFlagsGiven reports whether one of the flags was given that an agent would
// be asked for.
func (f *flags) agentFlagsGiven() bool {
	return slices.ContainsFunc([]string{"masq-chain", "enable-ipv6", "random-fully", "to-ports", "config", "nomasq-all-reserved-ranges", "backend"}, f.all.Changed)
}

// adopt takes over the flags of the agent that runs here, if there is exactly
// one and none of them was given: other flags would produce false differences.
// It returns that agent, else nil. Of several agents it cannot choose.
func (f *flags) adopt() (*runningAgent, error) {
	if f.agentFlagsGiven() {
		return nil, nil
	}
	agents := runningAgents()
	switch len(agents) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, severalAgents(agents)
	}
	a := agents[0]
	f.masq, f.config, f.ipv6, f.backend = a.flags.masq, a.flags.config, a.flags.ipv6, a.flags.backend
	f.configFile = fileOf(a.PID, a.flags.configFile)
	return a, nil
}

// severalAgents says what follows from several agents on one node.
func severalAgents(agents []*runningAgent) error {
	var each []string
	chains := map[string]bool{}
	for _, a := range agents {
		each = append(each, fmt.Sprintf("process %d: %s", a.PID, a.arguments()))
		chains[a.flags.masq.ChainName] = true
	}
	what := "have a chain each, so that traffic is masqueraded as soon as one of them says so: stop all but one"
	if len(chains) < len(agents) {
		what = "share a chain, and change each other's rules where their files differ: stop all but one"
	}
	return fmt.Errorf("%d agents run on this node and %s, or give the flags of the one that is meant\n%s", len(agents), what, strings.Join(each, "\n"))
}

// fileOf is the path under which a process' file is seen from here: as it is,
// or through /proc where the process has mounts of its own.
func fileOf(pid int, path string) string {
	if !filepath.IsAbs(path) {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil {
			path = filepath.Join(dir, path)
		}
	}
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	ours, selfErr := os.Readlink("/proc/self/ns/mnt")
	if err != nil || selfErr != nil || theirs == ours {
		return path
	}
	return filepath.Join(fmt.Sprintf("/proc/%d/root", pid), path)
}
