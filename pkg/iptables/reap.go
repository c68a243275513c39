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

// started contains the running processes that callers wait for. Reap must not reap
// them. It is a package variable because child processes belong to the whole
// process.
var started = struct {
	sync.Mutex
	pids map[int]bool
}{pids: map[int]bool{}}

// startGroup starts cmd and adds it to started. Reap cannot run in between.
func startGroup(cmd *exec.Cmd) error {
	started.Lock()
	defer started.Unlock()
	err := cmd.Start()
	if err == nil {
		started.pids[cmd.Process.Pid] = true
	}
	return err
}

// waitGroup waits for cmd, kills the rest of its process group, and reaps the
// processes of the group that became children of this process, which is PID 1 in a
// container.
func waitGroup(cmd *exec.Cmd) error {
	group := cmd.Process.Pid
	// The group is killed before its leader is reaped. Until then the kernel does
	// not reuse the ID.
	waitExit(group)
	_ = killGroup(group) // ESRCH if nothing is left
	err := cmd.Wait()
	reapGroup(group)
	started.Lock()
	defer started.Unlock()
	delete(started.pids, group)
	return err
}

// waitExit waits until a child has ended. It does not reap the child.
func waitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// killGroup kills all processes of a group at once, so that none can escape by
// forking.
func killGroup(group int) error { return syscall.Kill(-group, syscall.SIGKILL) }

// reapGroup reaps the killed processes of a group that became children of this
// process when their parent ended. It counts its pauses, which together take reapWait,
// instead of comparing times: while this process does not run, the others may not either.
func reapGroup(group int) {
	const pauses = 100
	for paused := 0; paused < pauses; {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR), err == nil && pid > 0:
		case err != nil: // ECHILD: none is left
			return
		default: // a process has not ended yet
			time.Sleep(reapWait / pauses)
			paused++
		}
	}
}

// Reap reaps orphans until ctx is done, as PID 1 of a container must: processes
// that left the process group of a command, and processes that others started in
// the container, for example with "kubectl exec". It does not reap the commands of
// this package.
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

// reapOrphans reaps the zombie children that are not in started.
func reapOrphans() {
	started.Lock() // nothing may start meanwhile
	defer started.Unlock()
	for _, pid := range zombies(os.Getpid()) {
		if !started.pids[pid] {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // nobody needs its status
		}
	}
}

// zombies returns the zombie children of a process, without those in its own process
// group. The fields of /proc/PID/stat are the PID, the name in parentheses, the
// state, the parent and the group, see proc(5).
func zombies(parent int) []int {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is valid
	var pids []int
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process is gone
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
