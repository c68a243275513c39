// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// frugal makes the process as small as its work, on each node of a cluster and
// for good, unless the environment says otherwise. What is live is 0.4 MB: the
// runtime's usual 4 MB of garbage before a collection, and caches and threads
// for each CPU of the node (11 MB more on one with 64), are for programs that
// compute. The agent waits for its children, which have CPUs of their own.
func frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25) // of 4 MB
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// startupTime is how long the start takes, with the first rules.
const startupTime = time.Second

// dropStartupCode unmaps the pages of the program's code, most of which only its
// start needs: 1.5 MB less in memory. Those that are needed again are mapped
// again from the page cache. Nothing writes into code that is loaded, so each page
// is the file's.
func dropStartupCode() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(maps)) { // see proc(5)
		var start, end uintptr
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &start, &end, &mode); n != 3 || mode != "r-xp" || !strings.HasSuffix(line, " "+exe+"\n") {
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("unmapping the program's code: %w", errno)
		}
	}
	return nil
}
