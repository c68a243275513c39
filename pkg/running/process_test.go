// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// proc writes files and links into a directory that stands in for /proc. A content
// that begins with "->" is a link.
func proc(t *testing.T, files map[string]string) procfs {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write := func() error { return os.WriteFile(path, []byte(content), 0o600) }
		if target, ok := strings.CutPrefix(content, "->"); ok {
			write = func() error { return os.Symlink(target, path) }
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return procfs(dir)
}

func TestProcess(t *testing.T) {
	p := proc(t, map[string]string{
		"7/cmdline":  "/ip-masq-agent\x00--masq-chain=A B\x00\x00",
		"7/status":   "Name:\tip-masq-agent\nUid:\t1000\t0\t0\t0\nGid:\t0\t0\t0\t0\n",
		"7/stat":     "7 (a) R 99 (b) S 3 7 7 0\n",
		"7/ns/net":   "->net:[4026531840]",
		"8/status":   "Uid:\t0\t1000\t0\t0\n",
		"8/stat":     "8",
		"8/cmdline":  "",
		"9x/status":  "Uid:\t0\t0\t0\t0\n",
		"net/notpid": "",
	})
	if diff := cmp.Diff([]int{7, 8}, p.pids()); diff != "" {
		t.Errorf("pids (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/ip-masq-agent", "--masq-chain=A B", ""}, p.command("7")); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	for process, want := range map[string]struct {
		root   bool
		parent int
	}{"7": {true, 3}, "8": {false, 0}, "gone": {false, 0}} {
		if root, parent := p.isRoot(process), p.parent(process); root != want.root || parent != want.parent {
			t.Errorf("process %s: root %v, parent %d; want %+v", process, root, parent, want)
		}
		if len(p.command(process)) == 0 {
			t.Errorf("process %s: no command", process)
		}
	}
	if ns, err := p.networkNamespace("7"); ns != "net:[4026531840]" || err != nil {
		t.Errorf("network namespace %q, %v", ns, err)
	}
}

func TestListens(t *testing.T) {
	const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	p := proc(t, map[string]string{
		"net/tcp": header +
			"   0: 0100007F:2834 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0\n" +
			"   1: 0100007F:2834 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0\n",
		"net/tcp6": header +
			"   0: 00000000000000000000000000000000:2834 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n",
		"7/fd/3": "->socket:[111]",
		"8/fd/4": "->socket:[222]",
		"9/fd/0": "->/dev/null",
		"9/fd/5": "->socket:[333]",
	})
	tests := []struct {
		pid  int
		port uint16
		want bool
	}{
		{7, 10292, true},
		{7, 10293, false},
		{8, 10292, false}, // a connection, not a listener
		{9, 10292, true},
		{10, 10292, false},
	}
	for _, tt := range tests {
		if got := p.listens(tt.pid, tt.port); got != tt.want {
			t.Errorf("listens(%d, %d) = %v, want %v", tt.pid, tt.port, got, tt.want)
		}
	}
}

// TestContainsText puts the text at the end of the first chunk, across its end, and
// behind it.
func TestContainsText(t *testing.T) {
	const chunk = 256 << 10
	for _, before := range []int{0, chunk - 4, chunk - 2, chunk, 2*chunk - 6} {
		data := strings.Repeat("x", before) + "text" + strings.Repeat("x", 10)
		if !containsText(strings.NewReader(data), []byte("text")) {
			t.Errorf("not found after %d bytes", before)
		}
		if !containsText(iotest.OneByteReader(strings.NewReader(data[max(0, before-10):])), []byte("text")) {
			t.Errorf("not found byte by byte after %d bytes", before)
		}
		if containsText(strings.NewReader(data), []byte("texts")) {
			t.Error("found what is not there")
		}
	}
}

func TestIsAgent(t *testing.T) {
	for _, path := range []string{"/bin/cat", "/nonexistent", "/"} {
		if isAgent(path) {
			t.Errorf("%s is not the agent", path)
		}
	}
}
