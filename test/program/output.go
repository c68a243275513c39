// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"bytes"
	"strings"
	"sync"
)

// Output collects the standard output and standard error of a process.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Count returns the number of lines that contain all of texts.
func (o *Output) Count(texts ...string) int { return count(o.String(), texts) }

func count(text string, texts []string) int {
	n := 0
	for line := range strings.Lines(text) {
		if containsAll(line, texts) {
			n++
		}
	}
	return n
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}
