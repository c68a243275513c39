// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package release_test runs "make release" on a copy of this repository,
// without the image, because building it needs a registry.
package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

const (
	root    = "../.."
	version = "v1.0.0"
	image   = "registry.example/ip-masq-agent:" + version
)

// tree is a git repository with one commit: the files of this repository,
// including uncommitted changes.
type tree struct {
	t   *testing.T
	dir string
}

func newTree(t *testing.T) tree {
	t.Helper()
	for _, c := range []string{"git", "make", "tar", "sha256sum"} {
		if _, err := exec.LookPath(c); err != nil {
			unavailable(t, "this test needs "+c)
		}
	}
	list, err := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		unavailable(t, "this is no git repository: "+err.Error())
	}
	c := tree{t, t.TempDir()}
	for _, name := range strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		c.copy(name)
	}
	c.git("init", "-q")
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "everything")
	return c
}

// unavailable skips the test, or fails it under "make test".
func unavailable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv(netns.EnvRequireRoot) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// copy copies a file or a symbolic link, unless it was deleted.
func (c tree) copy(name string) {
	c.t.Helper()
	from, to := filepath.Join(root, name), filepath.Join(c.dir, name)
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err == nil {
			err = os.Symlink(target, to)
		}
		if err != nil {
			c.t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, info.Mode().Perm())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c tree) git(args ...string) {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", c.dir, "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// make runs a target with these variables, only for the architecture of this
// machine.
func (c tree) make(env []string, args ...string) (string, error) {
	cmd := exec.Command("make", append([]string{"-C", c.dir, "ARCHS=" + runtime.GOARCH}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// release runs "make release" without the image.
func (c tree) release(args ...string) (string, error) {
	return c.make(nil, append([]string{"release", "PLATFORMS=", "VERSION=" + version, "IMAGE=" + image}, args...)...)
}

func (c tree) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}
