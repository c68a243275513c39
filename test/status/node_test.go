// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

const address = "127.0.0.1:10292"

// node is the network namespace of this process, its file and its agent.
type node struct {
	t     testing.TB
	file  string
	bin   string // commands here stand before the system's in the agent's PATH
	agent *program.Process
}

func newNode(t testing.TB, config string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{t: t, file: filepath.Join(dir, "config"), bin: filepath.Join(dir, "bin")}
	if err := os.Mkdir(n.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	n.write(config)
	return n
}

// write replaces the file as a whole, so that nobody reads half of it.
func (n *node) write(config string) {
	n.t.Helper()
	if err := os.WriteFile(n.file+".new", []byte(config), 0o644); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.file+".new", n.file); err != nil {
		n.t.Fatal(err)
	}
}

// start runs the agent until the end of the test, when it must stop well.
func (n *node) start(args ...string) {
	n.t.Helper()
	path := "PATH=" + n.bin + ":" + os.Getenv("PATH")
	n.agent = program.Start(n.t, program.Command([]string{path}, append([]string{"--config=" + n.file}, args...)...))
}

// breakable puts stand-ins for commands before the real ones, for an agent that
// is started later: those of an agent that runs are found already.
func (n *node) breakable(commands ...string) {
	n.t.Helper()
	for _, c := range commands {
		path, err := exec.LookPath(c)
		if err != nil {
			n.t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\n[ ! -e %s ] || { cat %[1]s >&2; exit 4; }\nexec %s \"$@\"\n", n.held(), path)
		if err := os.WriteFile(filepath.Join(n.bin, c), []byte(script), 0o755); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *node) held() string { return filepath.Join(n.bin, "held") }

// fail makes the breakable commands fail with what iptables says when the lock
// is held, until mend is called.
func (n *node) fail() (mend func()) {
	n.t.Helper()
	const words = "Another app is currently holding the xtables lock.\nPerhaps you want to use the -w option?\n"
	if err := os.WriteFile(n.held(), []byte(words), 0o644); err != nil {
		n.t.Fatal(err)
	}
	return func() {
		if err := os.Remove(n.held()); err != nil {
			n.t.Error(err)
		}
	}
}

// reply is what the agent said to a GET.
type reply struct {
	Code int
	Body string
}

// get asks the agent, with a connection of its own as the kubelet has.
func get(path string) (reply, error) {
	client := http.Client{Timeout: program.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, string(body)}, err
}

// mustGet is get of an agent that is known to answer.
func (n *node) mustGet(path string) reply {
	n.t.Helper()
	r, err := get(path)
	if err != nil {
		n.t.Fatalf("GET %s: %v", path, err)
	}
	return r
}

// waitFor waits until path is answered with code, and a body that has all of
// words, and returns the body.
func (n *node) waitFor(path string, code int, words ...string) string {
	n.t.Helper()
	var last reply
	program.Eventually(n.t, func() string {
		r, err := get(path)
		if err != nil {
			return err.Error()
		}
		last = r
		for _, w := range words {
			if !strings.Contains(r.Body, w) {
				return fmt.Sprintf("GET %s: no %q in: %s", path, w, r.Body)
			}
		}
		if r.Code != code {
			return fmt.Sprintf("GET %s: %d %s, want %d", path, r.Code, r.Body, code)
		}
		return ""
	})
	return last.Body
}
