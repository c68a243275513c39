// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package stderr

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// slowWriter blocks until it is released, and fails while it is broken.
type slowWriter struct {
	bytes.Buffer
	release chan struct{}
	broken  bool
}

func (w *slowWriter) Write(p []byte) (int, error) {
	<-w.release
	if w.broken {
		return 0, errors.New("broken pipe")
	}
	return w.Buffer.Write(p)
}

// TestLineBuffer adds lines while the writer blocks, releases the writer, and adds
// another line. The writer blocks with the first line; 64 KiB fit into the buffer.
func TestLineBuffer(t *testing.T) {
	line := strings.Repeat("x", 1023) + "\n"
	tests := []struct {
		name    string
		lines   int
		broken  bool // the writer fails until the last line
		written int
		dropped []int // as reported
	}{
		{"all fit", 1 + 64, false, 1 + 64 + 1, nil},
		{"36 do not", 1 + 64 + 36, false, 1 + 64 + 1, []int{36}},
		{"10 fail", 10, true, 1, []int{10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &slowWriter{release: make(chan struct{}), broken: tt.broken}
				var dropped []int
				b := newLineBuffer(w, func(n int) { dropped = append(dropped, n) })
				defer close(b.filled)
				for range tt.lines {
					b.add([]byte(line))
					synctest.Wait()
				}
				began := time.Now()
				b.drain(time.Second)
				if took := time.Since(began); took != time.Second {
					t.Errorf("drain waited %v for a writer that blocks, want 1s", took)
				}
				close(w.release)
				b.drain(time.Hour)
				w.broken = false
				b.add([]byte(line))
				b.drain(time.Hour)
				if took := time.Since(began); took != time.Second {
					t.Errorf("drain waited %v for a writer that does not block", took-time.Second)
				}
				synctest.Wait()
				if got := strings.Count(w.String(), line); got != tt.written || w.Len() != got*len(line) {
					t.Errorf("%d lines and %d bytes were written, want %d lines", got, w.Len(), tt.written)
				}
				if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
					t.Errorf("reported as dropped (-want +got):\n%s", diff)
				}
			})
		})
	}
}
