// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// TestLinks: every link within the repository leads to a file, and its anchor to
// a heading of that file.
func TestLinks(t *testing.T) {
	links := 0
	for _, name := range pages(t) {
		for _, l := range link.FindAllStringSubmatch(fenced.ReplaceAllString(page(t, name), ""), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			links++
			target, anchor, _ := strings.Cut(l[1], "#")
			path := name
			if target != "" {
				path = filepath.Join(filepath.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", name, l[1], err)
				continue
			}
			if anchor != "" && !anchors(page(t, path))[anchor] {
				t.Errorf("%s: the link %s leads to no heading of %s", name, l[1], path)
			}
		}
	}
	if links < 20 {
		t.Errorf("found %d links", links)
	}
}

// anchors returns the anchors of a page's headings, as GitHub makes them: lower
// case, punctuation removed, spaces replaced by hyphens.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		anchor := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(h[1]), "")
		found[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return found
}

func TestAnchors(t *testing.T) {
	for text, want := range map[string]string{
		"# Try it\n":                               "try-it",
		"## The `nftables` backend\n":              "the-nftables-backend",
		"## Differences from ip-masq-agent 2.12\n": "differences-from-ip-masq-agent-212",
	} {
		if got := anchors(text); len(got) != 1 || !got[want] {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
	if got := anchors("```\n# a comment\n```\n"); len(got) != 0 {
		t.Errorf("a code block has the headings %v", got)
	}
}
