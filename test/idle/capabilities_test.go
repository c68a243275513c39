// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// TestChangeDetectionUnavailable runs an agent without capabilities, which
// cannot check the kernel for changes. Its iptables commands have file
// capabilities, so they work. The agent logs the problem once and runs commands
// at each resyncInterval. With nf_tables the agent itself reads the rules, see
// TestWithoutCapabilities.
func TestChangeDetectionUnavailable(t *testing.T) {
	netns.MatrixOf(t, []string{"iptables-legacy"}, func(t *testing.T, backend, family string) {
		n := &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), dir: commandsWithCapabilities(t, backend)}
		n.startStripped("1s")
		n.waitRight()
		before := n.children()
		n.waitTicks(4)
		if after := n.children(); after.faults == before.faults {
			t.Errorf("no command ran in four resync intervals: usage of child processes %+v", after)
		}
		rules.Damage(t, n.rules, n.rules.Flush)
		n.waitRight()
		if said := n.agent.Log.Count("Change detection is unavailable", "operation not permitted", `family="`+family+`"`); said != 1 {
			t.Errorf("the agent logged %d times that it cannot detect changes, want once", said)
		}
	})
}

// TestWithoutCapabilities checks that an agent without capabilities logs the
// failure with nf_tables once, keeps running and retries.
func TestWithoutCapabilities(t *testing.T) {
	netns.MatrixOf(t, netns.OtherBackends("iptables-legacy"), func(t *testing.T, backend, family string) {
		n := &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), dir: t.TempDir()}
		n.startStripped("1s")
		n.agent.WaitLog("Failed to sync", "operation not permitted", `family="`+family+`"`)
		time.Sleep(3 * time.Second) // two retries
		if said := n.agent.Log.Count("Failed to sync", `family="`+family+`"`); said != 1 || !n.agent.Running() {
			t.Errorf("the agent logged the failure %d times, want once; running: %v, want true", said, n.agent.Running())
		}
	})
}

// startStripped starts the agent as root without capabilities, with
// SECBIT_NOROOT, see capabilities(7).
func (n *node) startStripped(interval string) {
	n.t.Helper()
	netns.Require(n.t, "setpriv")
	cmd := exec.Command("setpriv", append([]string{"--securebits", "+noroot", program.Path()}, n.arguments(interval)...)...)
	cmd.Env = append(os.Environ(), "PATH="+n.dir, "XTABLES_LOCKFILE="+filepath.Join(n.dir, "lock"))
	if n.backend != "iptables-legacy" {
		cmd.Env = os.Environ()
	}
	n.agent = program.Start(n.t, cmd)
}

// commandsWithCapabilities returns a directory of a backend's commands with
// file capabilities.
func commandsWithCapabilities(t testing.TB, backend string) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, strings.Replace(backend, "ip", "x", 1)+"-multi")
	path, err := exec.LookPath(filepath.Base(binary))
	if err != nil {
		t.Fatal(err)
	}
	duplicate(t, path, binary)
	if err := syscall.Setxattr(binary, "security.capability", capabilities(), 0); err != nil {
		if os.Getenv(netns.EnvRequireRoot) == "1" {
			t.Fatalf("giving %s capabilities: %v", binary, err)
		}
		t.Skipf("in this user namespace files have no capabilities: %v", err)
	}
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, suffix := range [][]string{nil, {"restore"}, {"save"}} {
			if err := os.Symlink(binary, filepath.Join(dir, netns.Command(backend, family, suffix...))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// capabilities returns a struct vfs_cap_data of version 2 with CAP_NET_ADMIN
// and CAP_NET_RAW permitted and effective, see linux/capability.h.
func capabilities() []byte {
	const version2, effective = 0x02000000, 1
	const netAdmin, netRaw = 12, 13
	data := binary.LittleEndian.AppendUint32(nil, version2|effective)
	data = binary.LittleEndian.AppendUint32(data, 1<<netAdmin|1<<netRaw)
	return append(data, make([]byte, 12)...)
}

// duplicate copies a program.
func duplicate(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
