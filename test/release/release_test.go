// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package release_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const repository = "https://git.example/somebody/ip-masq-agent"

// TestRelease checks each file of a release, and that a second build in another
// directory, without any cache, creates the same binaries.
func TestRelease(t *testing.T) {
	t.Parallel()
	c := newTree(t)
	c.write("ignored", "") // a file that git ignores is not a change and is not released
	c.write(".git/info/exclude", "ignored\n")
	if out, err := c.release("REPOSITORY=" + repository); err != nil {
		t.Fatalf("make release: %v\n%s", err, out)
	}
	binary := "ip-masq-agent-linux-" + runtime.GOARCH

	t.Run("files", func(t *testing.T) {
		want := []string{"NOTES.md", "SHA256SUMS", "ip-masq-agent-1.0.0.tgz", "ip-masq-agent-cleanup.yaml",
			"ip-masq-agent-dashboard.json", binary, "ip-masq-agent-monitoring.yaml", "ip-masq-agent.yaml"}
		entries, err := os.ReadDir(filepath.Join(c.dir, "dist"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
	t.Run("checksums", func(t *testing.T) {
		cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
		cmd.Dir = filepath.Join(c.dir, "dist")
		out, err := cmd.CombinedOutput()
		if lines := strings.Count(string(out), ": OK\n"); err != nil || lines != 7 {
			t.Errorf("sha256sum: %v, %d files in SHA256SUMS, want 7\n%s", err, lines, out)
		}
	})
	t.Run("binary", func(t *testing.T) {
		out, err := exec.Command(filepath.Join(c.dir, "dist", binary), "--version").CombinedOutput()
		if err != nil || !strings.Contains(string(out), version) {
			t.Errorf("--version: %v: %s", err, out)
		}
	})
	t.Run("manifests", func(t *testing.T) {
		for name, manifests := range map[string][]string{
			"ip-masq-agent.yaml":            {"ip-masq-agent.yaml"},
			"ip-masq-agent-cleanup.yaml":    {"cleanup.yaml"},
			"ip-masq-agent-monitoring.yaml": {"monitoring/podmonitor.yaml", "monitoring/prometheusrule.yaml"},
		} {
			var want []string
			for _, m := range manifests {
				want = append(want, c.read("manifests/"+m))
			}
			text := strings.Join(want, "---\n")
			text = strings.ReplaceAll(text, "image: ip-masq-agent:latest\n", "image: "+image+"\n")
			text = strings.ReplaceAll(text, "https://git.example/ip-masq-agent/blob/main/", repository+"/blob/"+version+"/")
			if diff := cmp.Diff(text, c.read("dist/"+name)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		images := regexp.MustCompile(`(?m)^ +image: (.*)$`).FindAllStringSubmatch(c.read("dist/ip-masq-agent.yaml"), -1)
		if len(images) != 1 || images[0][1] != image {
			t.Errorf("the manifest has the images %q, want %s", images, image)
		}
		if urls := strings.Count(c.read("dist/ip-masq-agent-monitoring.yaml"), repository+"/blob/"+version+"/docs/runbooks.md#"); urls != 4 {
			t.Errorf("%d alerts link to the release, want 4", urls)
		}
	})
	t.Run("notes", func(t *testing.T) {
		notes := c.read("dist/NOTES.md")
		if !strings.Contains(c.read("CHANGELOG.md"), "\n## 1.0.0\n\n"+notes) || len(notes) < 100 {
			t.Errorf("NOTES.md is not the section of CHANGELOG.md:\n%s", notes)
		}
	})
	t.Run("reproducible", func(t *testing.T) {
		other := newTree(t)
		env := []string{"GOCACHE=" + t.TempDir(), "TZ=Asia/Kolkata", "GOFLAGS=-buildvcs=false"}
		if out, err := other.make(env, "binaries", "VERSION="+version); err != nil {
			t.Fatalf("make binaries: %v\n%s", err, out)
		}
		if diff := cmp.Diff(sum(c.read("dist/"+binary)), sum(other.read("bin/"+binary))); diff != "" {
			t.Errorf("SHA-256 of the binaries of two builds (-release +second):\n%s", diff)
		}
	})
}

func (c tree) read(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
