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

// TestWhereTheKernelCannotBeAsked: an agent without capabilities cannot ask for
// signs of change, but its commands have them, by their files, so that they
// work. It says so once, and has commands read the table each resyncInterval. In
// nf_tables the agent itself reads the rules, see TestWithoutCapabilities.
func TestWhereTheKernelCannotBeAsked(t *testing.T) {
	netns.MatrixOf(t, []string{"iptables-legacy"}, func(t *testing.T, backend, family string) {
		n := &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), dir: commandsWithCapabilities(t, backend)}
		n.startStripped("1s")
		n.waitRight()
		before := n.children()
		n.waitTicks(4)
		if after := n.children(); after.faults == before.faults {
			t.Errorf("no command was run in four intervals: children at %+v", after)
		}
		rules.Damage(t, n.rules, n.rules.Flush)
		n.waitRight()
		if said := n.agent.Log.Count("Change detection is unavailable", "operation not permitted", `family="`+family+`"`); said != 1 {
			t.Errorf("the agent said %d times why it cannot look, want once", said)
		}
	})
}

// TestWithoutCapabilities: in nf_tables an agent without capabilities says what it
// was denied, stays up and retries.
func TestWithoutCapabilities(t *testing.T) {
	netns.MatrixOf(t, netns.OtherBackends("iptables-legacy"), func(t *testing.T, backend, family string) {
		n := &node{t: t, backend: backend, family: family, rules: rules.New(backend, family), dir: t.TempDir()}
		n.startStripped("1s")
		n.agent.WaitLog("Failed to sync", "operation not permitted", `family="`+family+`"`)
		time.Sleep(3 * time.Second) // two retries
		if said := n.agent.Log.Count("Failed to sync", `family="`+family+`"`); said != 1 || !n.agent.Running() {
			t.Errorf("the agent said %d times that it fails, want once, and runs: %v", said, n.agent.Running())
		}
	})
}

// startStripped runs the agent as root whom the kernel gives no capabilities:
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

// commandsWithCapabilities is a directory of a backend's commands, which have
// capabilities by their files.
func commandsWithCapabilities(t testing.TB, backend string) string {
	t.Helper()
	dir := t.TempDir()
	multi := filepath.Join(dir, strings.Replace(backend, "ip", "x", 1)+"-multi")
	path, err := exec.LookPath(filepath.Base(multi))
	if err != nil {
		t.Fatal(err)
	}
	duplicate(t, path, multi)
	if err := syscall.Setxattr(multi, "security.capability", capabilities(), 0); err != nil {
		if os.Getenv(netns.EnvRequireRoot) == "1" {
			t.Fatalf("giving %s capabilities: %v", multi, err)
		}
		t.Skipf("in this user namespace files have no capabilities: %v", err)
	}
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, verb := range [][]string{nil, {"restore"}, {"save"}} {
			if err := os.Symlink(multi, filepath.Join(dir, netns.Command(backend, family, verb...))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// capabilities is struct vfs_cap_data of version 2, linux/capability.h, with
// CAP_NET_ADMIN and CAP_NET_RAW permitted and in effect.
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
