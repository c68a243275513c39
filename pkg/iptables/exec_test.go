// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

// script writes a command of the given name into a directory of its own, which
// becomes all of PATH, and returns the command's path.
func script(t *testing.T, name, body string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return path
}

func TestRunError(t *testing.T) {
	path := script(t, "iptables-nft", "echo 'what is wrong' >&2; exit 4")
	_, err := run(t.Context(), "", path, "-t", "nat")
	if want := path + " -t nat: exit status 4: what is wrong"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestChildIsEndedWithItsContext covers a command as such, and the one that open
// runs before go-iptables, which has no context, runs it again.
func TestChildIsEndedWithItsContext(t *testing.T) {
	const hang = "echo $$ > \"$0.pid\"; exec /bin/sleep 600"
	stopping := errors.New("the agent is stopping")
	// The plain command is asked for its backend first.
	const hangLater = "[ -e \"$0.asked\" ] || { : > \"$0.asked\"; echo 'iptables v1.6.1'; exit; }\n" + hang
	tests := []struct {
		name, command, script string
		call                  func(ctx context.Context, path string) error
	}{
		{"run", "iptables-nft", hang, func(ctx context.Context, path string) error {
			_, err := run(ctx, "", path)
			return err
		}},
		{"open", "iptables", hangLater, func(ctx context.Context, path string) error {
			n := NewNAT(netfilter.IPv4, Legacy)
			return n.open(ctx)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := script(t, tt.command, tt.script)
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			go func() { done <- tt.call(ctx, path) }()
			pid := waitFor(t, path+".pid")
			killed := time.Now()
			cancel(stopping)
			select {
			case err := <-done:
				if !errors.Is(err, stopping) {
					t.Errorf("error is %v, want %v", err, stopping)
				}
			case <-time.After(testWait):
				t.Fatal("the call hangs as its child does")
			}
			checkGone(t, killed, "the child, process "+pid, func() bool {
				_, err := os.Stat("/proc/" + pid)
				return errors.Is(err, os.ErrNotExist)
			})
		})
	}
}

// testWait is the time limit of what a test waits for.
const testWait = 2 * time.Minute

// waitFor returns what the child writes once it runs.
func waitFor(t *testing.T, file string) string {
	t.Helper()
	for end := time.Now().Add(testWait); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.TrimSpace(string(text))
		}
	}
	t.Fatalf("the child never wrote %s", file)
	return ""
}

// TestMissingCommandIsLookedForAgain: a missing command is an error of its family,
// until the command is installed.
func TestMissingCommandIsLookedForAgain(t *testing.T) {
	path := script(t, "something-else", "exit 0")
	n := NewNAT(netfilter.IPv6, NFT)
	_, err := n.Apply(t.Context(), Chain{Name: "IP-MASQ"})
	if err == nil || !strings.Contains(err.Error(), "ip6tables-nft") || !strings.Contains(err.Error(), "install") {
		t.Errorf("error is %v, want one that says what to install", err)
	}
	if err := os.Rename(path, filepath.Join(filepath.Dir(path), "ip6tables-nft")); err != nil {
		t.Fatal(err)
	}
	_, err = n.Apply(t.Context(), Chain{Name: "IP-MASQ"})
	if err == nil || !strings.Contains(err.Error(), "ip6tables-nft-restore") || !strings.Contains(err.Error(), "install the package iptables") {
		t.Errorf("error is %v, want one about the command ip6tables-nft-restore, which is missing", err)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(path), "ip6tables-nft")); err != nil {
		t.Fatal(err)
	}
	_, err = n.Apply(t.Context(), Chain{Name: "IP-MASQ"})
	if err == nil || !strings.Contains(err.Error(), "install the package iptables") || strings.Contains(err.Error(), "restore") {
		t.Errorf("error is %v, want that of a command that was removed", err)
	}
}

// TestStderrIsLimited: a command that writes without an end does not take the memory
// of the node.
func TestStderrIsLimited(t *testing.T) {
	var s start
	for range 1000 {
		if n, err := s.Write(make([]byte, 1<<16)); n != 1<<16 || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	if len(s.String()) != 4*maxStderr {
		t.Errorf("%d bytes are stored, want %d", len(s.String()), 4*maxStderr)
	}
}
