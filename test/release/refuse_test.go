// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package release_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefuses checks that an invalid release fails with a message before
// anything is built.
func TestRefuses(t *testing.T) {
	t.Parallel()
	c := newTree(t)
	versions := map[string]string{
		"":                        "is not a version",
		"1.0.0":                   "is not a version",
		"v1.0":                    "is not a version",
		"v01.0.0":                 "is not a version",
		"v1.0.0.1":                "is not a version",
		"v1.0.0+build":            "is not a version",
		"v1.0.0;id":               "is not a version",
		"v1.0.0-3-gabcdef1":       "is the output of git describe",
		"v1.0.0-3-gabcdef1-dirty": "is the output of git describe",
		"v9.9.9":                  "CHANGELOG.md has no section '## 9.9.9'",
	}
	for v, want := range versions {
		c.refuses("VERSION="+v, want, "VERSION="+v, "IMAGE=registry.example/ip-masq-agent:"+v)
	}
	c.refuses("the tag of the image is another", "the tag of the image is not the version", "IMAGE=registry.example/ip-masq-agent:latest")
	c.refuses("a push without a repository", "give REPOSITORY=", "OUTPUT=--push")

	c.write("new.go", "package main\n")
	c.refuses("an uncommitted file", "the tree has uncommitted changes", "")
	c.git("add", "-A")
	c.refuses("a staged file", "the tree has uncommitted changes", "")
	c.git("commit", "-q", "-m", "another")
	c.write("README.md", "changed\n")
	c.refuses("a changed file", "the tree has uncommitted changes", "")
	c.git("checkout", "-q", "README.md")
	c.git("tag", version, "HEAD~1")
	c.refuses("the tag is on another commit", "the tag "+version+" is on another commit", "")

	if _, err := os.Stat(filepath.Join(c.dir, "dist")); !os.IsNotExist(err) {
		t.Errorf("a rejected release left a directory dist: %v", err)
	}
}

// refuses checks that the release fails with this message.
func (c tree) refuses(name, want string, args ...string) {
	c.t.Helper()
	out, err := c.release(strings.Fields(strings.Join(args, " "))...)
	if err == nil || !strings.Contains(out, want) {
		c.t.Errorf("%s: want a failure with %q, got %v:\n%s", name, want, err, out)
	}
}
