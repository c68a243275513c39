// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package stderr keeps writes to the standard error from blocking the agent.
package stderr

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

const (
	// maxPending is the maximum size in bytes of the lines that wait to be written.
	// All problems of an invalid configuration fit.
	maxPending = 64 << 10
	// drainTimeout is the maximum time that the program waits at its end until all
	// lines are written.
	drainTimeout = 300 * time.Millisecond
)

// Buffer puts a buffer between os.Stderr and the standard error, so that writes to
// os.Stderr never block. Without it, a pipe that nobody reads would block klog, which
// holds its lock while it writes, and with it every goroutine that logs. Buffer also
// keeps a reader that exits from ending the program with SIGPIPE. Lines that do not
// fit into the buffer are dropped, and their number is logged later.
//
// drain closes os.Stderr and waits for a short time until the rest is written.
func Buffer() (drain func(), err error) {
	drain = func() {}
	// The Go runtime ends the program after EPIPE on descriptor 2, but not on others
	// (os/signal, "SIGPIPE").
	fd, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return drain, fmt.Errorf("duplicating the standard error: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return drain, fmt.Errorf("making a pipe for the log: %w", err)
	}
	lines := newLineBuffer(os.NewFile(uintptr(fd), os.Stderr.Name()), func(n int) {
		klog.Background().Info("Dropped log lines, because the standard error was not read", "lines", n)
	})
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		for b := bufio.NewReader(r); ; {
			line, err := b.ReadSlice('\n')
			lines.add(line)
			if err != nil && err != bufio.ErrBufferFull {
				return
			}
		}
	}()
	os.Stderr = w
	return func() {
		w.Close()
		<-copied
		lines.drain(drainTimeout)
	}, nil
}

// lineBuffer forwards lines to a writer that may block.
type lineBuffer struct {
	mu      sync.Mutex
	pending []byte
	dropped int           // the number of lines that was not reported yet
	filled  chan struct{} // has an element if something may be pending
	idle    *sync.Cond    // signaled when nothing is pending or being written
	writing bool
}

// newLineBuffer returns a buffer that writes to out. It calls report with the number
// of dropped lines after a later line was written.
func newLineBuffer(out io.Writer, report func(lines int)) *lineBuffer {
	b := &lineBuffer{filled: make(chan struct{}, 1)}
	b.idle = sync.NewCond(&b.mu)
	go func() {
		for range b.filled {
			b.write(out, report)
		}
	}()
	return b
}

// add adds a line, or drops it if the buffer is full. It never blocks.
func (b *lineBuffer) add(line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending)+len(line) > maxPending {
		b.dropped++
		return
	}
	b.pending = append(b.pending, line...)
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

// write writes the pending lines to out.
func (b *lineBuffer) write(out io.Writer, report func(lines int)) {
	b.mu.Lock()
	chunk := b.pending
	b.pending, b.writing = nil, true
	b.mu.Unlock()

	_, err := out.Write(chunk)

	b.mu.Lock()
	dropped := 0
	if err != nil {
		b.dropped += bytes.Count(chunk, []byte("\n"))
	} else {
		dropped, b.dropped = b.dropped, 0
	}
	b.writing = false
	b.idle.Broadcast()
	b.mu.Unlock()
	if dropped > 0 {
		report(dropped)
	}
}

// drain waits until all lines are written, at most for the timeout.
func (b *lineBuffer) drain(timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	late := false
	defer time.AfterFunc(timeout, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		late = true
		b.idle.Broadcast()
	}).Stop()
	for (len(b.pending) > 0 || b.writing) && !late {
		b.idle.Wait()
	}
}
