// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// started holds the commands that run and that their callers wait for. Reap
// must not take their exit status. It is a variable of the package because the
// children belong to the whole process.
var started = struct {
	sync.Mutex
	pids map[int]bool
}{pids: map[int]bool{}}

// startGroup starts cmd and records it, in one step as seen by Reap.
func startGroup(cmd *exec.Cmd) error {
	started.Lock()
	defer started.Unlock()
	err := cmd.Start()
	if err == nil {
		started.pids[cmd.Process.Pid] = true
	}
	return err
}

// waitGroup waits for cmd, kills what is left of its process group, and reaps
// those that became children of this process, which is PID 1 in a container.
func waitGroup(cmd *exec.Cmd) error {
	group := cmd.Process.Pid
	// The group is killed before its leader is reaped. Until then the kernel
	// gives no other process that ID.
	waitExit(group)
	_ = killGroup(group) // ESRCH if nothing is left
	err := cmd.Wait()
	reapGroup(group)
	started.Lock()
	defer started.Unlock()
	delete(started.pids, group)
	return err
}

// waitExit waits until a child has ended, and leaves its exit status.
func waitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// killGroup kills all processes of a group at once: none of them can fork its
// way out.
func killGroup(group int) error { return syscall.Kill(-group, syscall.SIGKILL) }

// reapGroup reaps the killed processes of a group that have this process as
// their parent since their own is gone.
func reapGroup(group int) {
	for deadline := time.Now().Add(reapWait); time.Now().Before(deadline); {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR), err == nil && pid > 0:
		case err != nil: // ECHILD: none is left
			return
		default: // one is left, and is not gone yet
			time.Sleep(reapWait / 100)
		}
	}
}

// Reap reaps, until ctx is done, the orphans that end as children of this
// process, as PID 1 of a container must: what a command left that did not stay
// in its process group, and what others started in the container, such as
// "kubectl exec". The commands of this package are left to their callers.
func Reap(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		reapOrphans()
		select {
		case <-ctx.Done():
			return
		case <-ended:
		}
	}
}

// reapOrphans reaps the zombies among the children that are not of started.
func reapOrphans() {
	started.Lock() // nothing may start meanwhile
	defer started.Unlock()
	for _, pid := range zombies(os.Getpid()) {
		if !started.pids[pid] {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // its status is of no use
		}
	}
}

// zombies returns the children of a process that have ended and were not waited
// for, but those in the process' own group. See /proc/PID/stat in proc(5): PID,
// the name in parentheses, state, parent, group.
func zombies(parent int) []int {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	var pids []int
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it is gone
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 3 || fields[0] != "Z" || fields[1] != strconv.Itoa(parent) || fields[2] == strconv.Itoa(syscall.Getpgrp()) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
