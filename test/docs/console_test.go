// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/program"
)

var update = flag.Bool("update", false, "write what the commands print into the transcripts of the documentation")

// transcript matches a code block that shows a command and its output: it begins
// with "$ ". Its groups are the command and the output. Of an output that ends with
// the line "..." only the beginning is shown.
var transcript = regexp.MustCompile("(?ms)^```[a-z]*\n\\$ (.*?)\n(.*?)^```$")

// omitted is the last line of an output that is not shown to its end.
const omitted = "...\n"

// environment matches what depends on the machine of the test, and says what the
// documentation shows instead: the number of connections at that moment, and what
// doctor says of the lock file if the test runs in a container.
var environment = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`none of \d+ conntrack entries`), "none of 0 conntrack entries"},
	{regexp.MustCompile(`(?m)^info +/run/xtables.lock is not the host's .*$`), "ok         /run/xtables.lock is the host's"},
}

// console runs the commands of the documentation and compares their output.
type console struct {
	t       *testing.T
	replace *strings.Replacer // values of this test, by those that the documentation shows
	shown   map[string]bool   // the blocks that were compared, as "page: command"
}

// show runs a command as the documentation writes it, and compares its output with
// that of the block of the page. "kubectl exec" and sudo are removed, because the
// test runs on the node and as root.
func (c *console) show(page_, command string) {
	c.t.Helper()
	words := strings.Fields(command)
	if words[0] == "sudo" {
		words = words[1:]
	}
	if _, inPod, ok := strings.Cut(command, " -- /"); ok {
		words = strings.Fields(inPod)
	}
	if words[0] == "ip-masq-agent" {
		words[0] = program.Path()
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = "testdata"
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		c.t.Fatalf("running %q: %v", command, err)
	}
	got := c.replace.Replace(string(out))
	for _, e := range environment {
		got = e.pattern.ReplaceAllString(got, e.shown)
	}

	c.shown[page_+": "+command] = true
	text := page(c.t, page_)
	for _, m := range transcript.FindAllStringSubmatch(text, -1) {
		if m[1] != command {
			continue
		}
		if shown, cut := strings.CutSuffix(m[2], omitted); cut {
			lines := strings.SplitAfter(got, "\n")
			got = strings.Join(lines[:min(strings.Count(shown, "\n"), len(lines))], "") + omitted
		}
		if *update {
			text = strings.Replace(text, "$ "+command+"\n"+m[2], "$ "+command+"\n"+got, 1)
			if err := os.WriteFile(filepath.Join(root, page_), []byte(text), 0o644); err != nil {
				c.t.Fatal(err)
			}
		} else if diff := cmp.Diff(m[2], got); diff != "" {
			c.t.Errorf("%s, %s (-want +got); go test ./test/docs -update writes it anew:\n%s", page_, command, diff)
		}
		return
	}
	c.t.Errorf("%s does not show the command %q", page_, command)
}

// complete reports the transcripts of the documentation that show was not called for.
func (c *console) complete() {
	c.t.Helper()
	for _, name := range pages(c.t) {
		for _, m := range transcript.FindAllStringSubmatch(page(c.t, name), -1) {
			if !c.shown[name+": "+m[1]] {
				c.t.Errorf("%s shows the command %q, which no test runs: add it to TestTranscripts", name, m[1])
			}
		}
	}
}
