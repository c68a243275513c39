// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PollInterval is the time between two checks for changes. inotify would miss
// changes, because the kubelet replaces the directory to which the file's link
// points. A subscription to the notifications of nf_tables would slow down other
// programs: the kernel then builds a message for each rule that kube-proxy
// commits.
const PollInterval = time.Second

// Ticker says when to check for changes.
type Ticker interface {
	// Wait waits for the next tick. It returns false if there will be none, because
	// the agent is to stop.
	Wait() bool
}

// KernelTicker is a Ticker that uses a timer of the kernel, see timerfd_create(2).
//
// An idle agent does little else than to wait, so the timer is most of what it costs:
// a time.Ticker of one second wakes two threads several times for each tick, and
// takes twice the CPU time. The raw system call does not tell Go's scheduler about a
// call that may block, which would wake a second thread again.
type KernelTicker struct {
	file    *os.File
	conn    syscall.RawConn
	expired func(fd uintptr) bool // whether a tick is due; made once, as a closure allocates
	ticks   uint64                // since the last one that Wait returned
}

// NewTicker returns a ticker that ticks each interval until ctx is done. Ticks that
// nothing waited for count once.
func NewTicker(ctx context.Context, interval time.Duration) (*KernelTicker, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a timer: timerfd_create: %w", err)
	}
	t := &KernelTicker{file: os.NewFile(uintptr(fd), "timer")}
	every := unix.NsecToTimespec(interval.Nanoseconds())
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		_ = t.file.Close()
		return nil, fmt.Errorf("making a timer: timerfd_settime: %w", err)
	}
	if t.conn, err = t.file.SyscallConn(); err != nil {
		_ = t.file.Close()
		return nil, fmt.Errorf("making a timer: %w", err)
	}
	t.expired = func(fd uintptr) bool {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&t.ticks)), unsafe.Sizeof(t.ticks))
		return errno != unix.EAGAIN
	}
	context.AfterFunc(ctx, func() { _ = t.file.Close() }) // which ends Wait
	return t, nil
}

// Wait implements Ticker.
func (t *KernelTicker) Wait() bool { return t.conn.Read(t.expired) == nil }
