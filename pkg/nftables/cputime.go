// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU returns the CPU time that this thread has used, including the
// kernel's work for it; 0 if the kernel does not say. The caller holds
// runtime.LockOSThread.
func threadCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
