// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTests checks that each line of the file tests selects a test: a node that
// runs none would pass.
func TestTests(t *testing.T) {
	text, err := os.ReadFile("../tests")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 4 || !slices.Contains([]string{"default", "all"}, words[0]) || !slices.Contains([]string{"full", "el10", "each"}, words[1]) {
			t.Errorf("want four words, default or all, full or el10 or each, a package and a pattern: %s", line)
			continue
		}
		// Of each alternative of "^Test(A|B)$/^sub$", TestA or TestB must exist.
		top, _, _ := strings.Cut(words[3], "/")
		alternatives := []string{top}
		if open, end := strings.Index(top, "("), strings.Index(top, ")"); open >= 0 && end > open {
			alternatives = nil
			for a := range strings.SplitSeq(top[open+1:end], "|") {
				alternatives = append(alternatives, top[:open]+a+top[end+1:])
			}
		}
		names := testsOf(t, filepath.Join("../../..", words[2]))
		for _, a := range alternatives {
			pattern, err := regexp.Compile(a)
			if err != nil {
				t.Errorf("%s: %v", a, err)
			} else if !slices.ContainsFunc(names, pattern.MatchString) {
				t.Errorf("%s has no test that matches %s", words[2], a)
			}
		}
	}
}

// testsOf lists the test functions of a folder.
func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	return names
}
