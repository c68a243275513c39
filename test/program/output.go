// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package program

import (
	"bytes"
	"strings"
	"sync"
)

// Output is what a process printed so far, on standard output and error.
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

// Count is the number of lines in which all of words are.
func (o *Output) Count(words ...string) int { return count(o.String(), words) }

func count(text string, words []string) int {
	n := 0
	for line := range strings.Lines(text) {
		if containsAll(line, words) {
			n++
		}
	}
	return n
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}
