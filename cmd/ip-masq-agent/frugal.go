// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// useOneCPU limits the Go code to one CPU at a time, unless the environment says
// otherwise. The runtime's caches and threads for each CPU of the node take 11 MB
// more on one with 64, and are for programs that compute. The agent waits for its
// children, which have CPUs of their own.
func useOneCPU() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// shrinkTimes are how long after the start there is memory to give back: with the
// first rules, and with the search for what other agents left.
func shrinkTimes() []time.Duration { return []time.Duration{time.Second, 3 * time.Second} }

// shrink gives back what only the start needed, and keeps the garbage small from
// then on, unless the environment says otherwise: 0.4 MB are live, and the runtime
// would collect only at 4 MB. During the start a collection would cost more than
// it saves.
func shrink() error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25) // of 4 MB
	}
	debug.FreeOSMemory()
	return dropProgramPages()
}

// dropProgramPages unmaps the pages of the program's code and constants, most of
// which are needed only once. Those that are needed again are mapped again from
// the page cache. Nothing writes into them, so each page is the file's.
func dropProgramPages() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(maps) { // see proc(5): START-END MODE OFFSET DEVICE INODE PATH
		fields := strings.Fields(string(line))
		if len(fields) < 6 || !strings.HasSuffix(string(line), " "+exe+"\n") || strings.Contains(fields[1], "w") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("unmapping the program's pages: %w", errno)
		}
	}
	return nil
}
