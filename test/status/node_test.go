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

// node is the network namespace of this process, with its file and its agent.
type node struct {
	t     testing.TB
	file  string
	bin   string // a directory of commands that precede the system's in the agent's PATH
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

// write replaces the file atomically.
func (n *node) write(config string) {
	n.t.Helper()
	if err := os.WriteFile(n.file+".new", []byte(config), 0o644); err != nil {
		n.t.Fatal(err)
	}
	if err := os.Rename(n.file+".new", n.file); err != nil {
		n.t.Fatal(err)
	}
}

// start runs the agent until the end of the test, when it must stop with exit
// status 0.
func (n *node) start(args ...string) {
	n.t.Helper()
	path := "PATH=" + n.bin + ":" + os.Getenv("PATH")
	n.agent = program.Start(n.t, program.Command([]string{path}, append([]string{"--config=" + n.file}, args...)...))
}

// breakable replaces commands by scripts that can be made to fail. It must be
// called before the agent starts, because the agent looks up its commands only
// once.
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

// fail makes the breakable commands fail with the error message of a held lock,
// until repair is called.
func (n *node) fail() (repair func()) {
	n.t.Helper()
	const message = "Another app is currently holding the xtables lock.\nPerhaps you want to use the -w option?\n"
	if err := os.WriteFile(n.held(), []byte(message), 0o644); err != nil {
		n.t.Fatal(err)
	}
	return func() {
		if err := os.Remove(n.held()); err != nil {
			n.t.Error(err)
		}
	}
}

// reply is the agent's response to a GET request.
type reply struct {
	Code int
	Body string
}

// get sends a GET request over a new connection, as the kubelet does.
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

// mustGet is get for an agent that must respond.
func (n *node) mustGet(path string) reply {
	n.t.Helper()
	r, err := get(path)
	if err != nil {
		n.t.Fatalf("GET %s: %v", path, err)
	}
	return r
}

// waitFor waits for a response with this status code and a body that contains
// all of texts. It returns the body.
func (n *node) waitFor(path string, code int, texts ...string) string {
	n.t.Helper()
	var last reply
	program.Eventually(n.t, func() string {
		r, err := get(path)
		if err != nil {
			return err.Error()
		}
		last = r
		for _, w := range texts {
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
