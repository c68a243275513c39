// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cgroup measures the CPU time of a process and of all processes that it
// starts, in nanoseconds, also of those that are not waited for.
type cgroup struct {
	dir string
	v1  bool
}

// The directories of the hierarchy that accounts CPU time, for cgroup version 1
// and 2.
const (
	v1Root = "/sys/fs/cgroup/cpuacct"
	v2Root = "/sys/fs/cgroup"
)

// newCgroup creates a control group.
func newCgroup() (*cgroup, error) {
	root, v1 := v2Root, false
	if _, err := os.Stat(v1Root + "/cpuacct.usage"); err == nil {
		root, v1 = v1Root, true
	} else if _, err := os.Stat(v2Root + "/cgroup.controllers"); err != nil {
		return nil, fmt.Errorf("no control groups that account CPU time: neither %s of version 1 nor %s of version 2", v1Root, v2Root)
	}
	dir, err := os.MkdirTemp(root, "ip-masq-agent-bench")
	return &cgroup{dir, v1}, err
}

// start starts a process in the group, so that all of its CPU time counts.
func (g *cgroup) start(attr *syscall.SysProcAttr, start func() error) error {
	if g.v1 {
		// A child process starts in the group of the thread that forks it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := os.WriteFile(filepath.Join(g.dir, "tasks"), []byte("0"), 0); err != nil {
			return err
		}
		started := start()
		return errors.Join(started, os.WriteFile(filepath.Join(v1Root, "tasks"), []byte("0"), 0))
	}
	dir, err := os.Open(g.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	return start()
}

// cpu returns the CPU time that the group has used.
func (g *cgroup) cpu() (time.Duration, error) {
	if g.v1 {
		text, err := os.ReadFile(filepath.Join(g.dir, "cpuacct.usage"))
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		return time.Duration(n), err
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "usage_usec "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return time.Duration(n) * time.Microsecond, err
		}
	}
	return 0, fmt.Errorf("no usage_usec in cpu.stat of %s", g.dir)
}

// remove removes the group after its processes have ended.
func (g *cgroup) remove() error {
	err := os.Remove(g.dir)
	for try := 0; errors.Is(err, syscall.EBUSY) && try < 100; try++ { // a zombie is still in the group
		time.Sleep(10 * time.Millisecond)
		err = os.Remove(g.dir)
	}
	return err
}
