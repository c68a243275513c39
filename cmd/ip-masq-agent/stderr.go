// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

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
	// maxPending is the maximum number of bytes of log lines that wait to be
	// written. It holds the problems of a file that is wrong in every line.
	maxPending = 64 << 10
	// drainTimeout is how long the end of the program waits for lines that
	// were not written yet.
	drainTimeout = 300 * time.Millisecond
)

// decoupleStderr puts a buffer between os.Stderr and the real standard error,
// so that a write to it never blocks: klog writes while it holds its lock, and
// a pipe that nobody reads would stop whatever logs next. Nor does a reader
// that goes away end the program, as SIGPIPE would. Lines that find the buffer
// full are dropped, and their number is logged when it has room again.
//
// drain closes os.Stderr and waits a moment for what is left to be written.
func decoupleStderr() (drain func(), err error) {
	drain = func() {}
	// The Go runtime turns EPIPE on descriptor 2 into the end of the program
	// (os/signal, "SIGPIPE"), and only there.
	fd, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return drain, fmt.Errorf("duplicating the standard error: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return drain, fmt.Errorf("making a pipe for the log: %w", err)
	}
	lines := newLineBuffer(os.NewFile(uintptr(fd), os.Stderr.Name()), func(n int) {
		klog.Background().Info("Dropped log lines, because nobody read the standard error", "lines", n)
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

// lineBuffer passes lines on to a writer that may block.
type lineBuffer struct {
	mu      sync.Mutex
	pending []byte
	dropped int           // lines that were not reported yet
	filled  chan struct{} // has an element if something may be pending
	idle    *sync.Cond    // signals that nothing is pending or being written
	writing bool
}

// newLineBuffer returns a buffer in front of out. It calls report with the
// number of lines that it dropped, after out has taken a later line.
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

// add never blocks.
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

// write passes on what is pending.
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

// drain waits until all lines are written, but no longer than timeout.
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
