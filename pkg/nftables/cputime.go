// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"time"

	"golang.org/x/sys/unix"
)

// ThreadCPU returns the CPU time that this thread has used, including the
// kernel's work for it; 0 if the kernel does not say. The caller holds
// runtime.LockOSThread. getrusage(2) is no substitute: it is updated only when
// the scheduler runs.
func ThreadCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
