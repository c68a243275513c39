// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"regexp"
	"strings"
	"time"
)

// collector reads the output of a test binary that runs with -test.v=test2json,
// in which each line of the testing package begins with marker.
type collector struct {
	name    string
	begin   time.Time
	current string              // the test whose output follows; "" for none
	output  map[string][]string // by test
	order   []string            // of the tests, as they began
	results map[string]string   // PASS, FAIL or SKIP
}

// marker is the byte that -test.v=test2json puts before its own lines.
const marker = "\x16"

var (
	begins = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME) *(\S*)$`)
	ends   = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\S+) \(.*\)$`)
)

func newCollector(name string) *collector {
	return &collector{name: name, begin: time.Now(), output: map[string][]string{}, results: map[string]string{}}
}

func (c *collector) line(line string) {
	own, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), marker)
	if m := begins.FindStringSubmatch(own); found && m != nil {
		c.current = m[2]
		if m[1] == "RUN" {
			c.order = append(c.order, m[2])
		}
		return
	}
	test := c.current
	if m := ends.FindStringSubmatch(strings.TrimSpace(own)); found && m != nil {
		test = m[2]
		c.results[test] = m[1]
		c.current = ""
	}
	c.output[test] = append(c.output[test], strings.ReplaceAll(line, marker, ""))
}

// end counts. Only tests without subtests count, so that a test of both
// families counts twice and not three times.
func (c *collector) end(failed bool) result {
	r := result{name: c.name, failed: failed, took: time.Since(c.begin)}
	var output strings.Builder
	for _, test := range c.order {
		if c.results[test] == "FAIL" || c.results[test] == "" {
			output.WriteString(strings.Join(c.output[test], ""))
		}
		if c.parent(test) {
			continue
		}
		switch c.results[test] {
		case "PASS":
			r.passed++
		case "SKIP":
			r.missed++
		default: // also a test that did not end
			r.wrong++
		}
	}
	output.WriteString(strings.Join(c.output[""], ""))
	r.output = output.String()
	return r
}

// parent says if a test has subtests.
func (c *collector) parent(test string) bool {
	for _, other := range c.order {
		if strings.HasPrefix(other, test+"/") {
			return true
		}
	}
	return false
}
