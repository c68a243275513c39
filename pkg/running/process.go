// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// procfs is the path of /proc, see proc(5). A process that ended has no parent, no
// command and no user.
type procfs string

func (p procfs) path(elements ...string) string {
	return filepath.Join(append([]string{string(p)}, elements...)...)
}

func (p procfs) pids() []int {
	paths, _ := filepath.Glob(p.path("[0-9]*")) // fails only for an invalid pattern
	var pids []int
	for _, path := range paths {
		if pid, err := strconv.Atoi(filepath.Base(path)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// networkNamespace identifies the network namespace of a process.
func (p procfs) networkNamespace(process string) (string, error) {
	return os.Readlink(p.path(process, "ns", "net"))
}

// command returns the command of a process and its arguments. It has at least one
// element.
func (p procfs) command(process string) []string {
	line, _ := os.ReadFile(p.path(process, "cmdline"))
	return strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
}

// isRoot reports whether the effective user of a process is root. Any user can
// start a process with the name of the agent.
func (p procfs) isRoot(process string) bool {
	status, _ := os.ReadFile(p.path(process, "status"))
	for line := range strings.Lines(string(status)) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
			fields := strings.Fields(ids) // real, effective, saved, file system
			return len(fields) > 1 && fields[1] == "0"
		}
	}
	return false
}

// parent returns the parent of a process. It is the second field after the name,
// which is in parentheses and may contain any character.
func (p procfs) parent(process string) int {
	stat, _ := os.ReadFile(p.path(process, "stat"))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// listens reports whether a process has a TCP socket that listens on a port.
func (p procfs) listens(pid int, port uint16) bool {
	descriptors, _ := filepath.Glob(p.path(fmt.Sprint(pid), "fd", "*")) // fails only for an invalid pattern
	for _, inode := range p.listeners(port) {
		for _, d := range descriptors {
			if target, _ := os.Readlink(d); target == "socket:["+inode+"]" {
				return true
			}
		}
	}
	return false
}

// listeners returns the inodes of the TCP sockets that listen on a port.
func (p procfs) listeners(port uint16) []string {
	const (
		local, state, inode = 1, 3, 9 // columns
		listen              = "0A"    // TCP_LISTEN
	)
	var inodes []string
	for _, file := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(p.path("net", file))
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == listen && strings.HasSuffix(fields[local], fmt.Sprintf(":%04X", port)) {
				inodes = append(inodes, fields[inode])
			}
		}
	}
	return inodes
}

// isAgent reports whether an executable is this program, in any version: its build
// information names the package of main (runtime/debug.BuildInfo). The file is
// searched as text, because the package debug/buildinfo adds 0.2 MB to the program.
func isAgent(executable string) bool {
	f, err := os.Open(executable)
	if err != nil {
		return false
	}
	defer f.Close()
	const maxSize = 64 << 20 // bytes; the agent has 10 MB
	return containsText(io.LimitReader(f, maxSize), []byte("path\tip-masq-agent/cmd/ip-masq-agent\n"))
}

// containsText reports whether the data of a reader contains a text of less than
// 256 KiB.
func containsText(r io.Reader, text []byte) bool {
	for buf, kept := make([]byte, 256<<10), 0; ; {
		n, err := r.Read(buf[kept:])
		chunk := buf[:kept+n]
		if bytes.Contains(chunk, text) {
			return true
		}
		if err != nil {
			return false
		}
		// The text may begin at the end of this chunk.
		kept = copy(buf, chunk[max(0, len(chunk)-len(text)):])
	}
}
