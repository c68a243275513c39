// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestPID1LeavesNoProcesses runs the agent as PID 1 of a PID namespace, as in a
// container. The iptables commands leave child processes in the background and
// in other process groups, and orphans.
func TestPID1LeavesNoProcesses(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, "iptables-nft", "IPv4")
		iptables := n.shim()
		iptables.before(t, netns.Command(n.backend, n.family, "restore"),
			"sleep 300 & (sleep 300 &); (sleep 0.1 &)\nsetsid sh -c 'touch "+iptables.dir+"/left; exec sleep 0.5' >/dev/null 2>&1 &\nwhile [ ! -e "+iptables.dir+"/left ]; do :; done; rm "+iptables.dir+"/left")
		n.config.write(t, n.oneRange())
		cmd := program.Command(n.env, "--config="+n.config.path(), "--masq-chain=IP-MASQ")
		script := append([]string{"sh", "-c", `mount -t proc proc /proc && exec "$0" "$@"`}, cmd.Args...)
		cmd.Path, cmd.Args = "/bin/sh", script
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
		p := program.Start(t, cmd)
		n.wait(n.oneRangeChain())
		for range 3 {
			n.iptables("-F", "IP-MASQ")
			n.wait(n.oneRangeChain())
		}
		program.Eventually(t, func() string {
			if children := childrenOf(t, p.PID()); children != nil {
				return "PID 1 has the children " + strings.Join(children, ", ")
			}
			return ""
		})
		p.Stop(terminate)
	})
}

// childrenOf returns /proc/PID/stat of the children of a process, see proc(5).
func childrenOf(t testing.TB, parent int) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			out = append(out, strings.TrimSpace(string(stat[:bytes.LastIndexByte(stat, ')')+3])))
		}
	}
	return out
}
