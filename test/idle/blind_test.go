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

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestWhereTheKernelCannotBeAsked: an agent without capabilities cannot look,
// but its commands have them, by their files, so that they work. It says so
// once, and has commands read the table each resyncInterval.
func TestWhereTheKernelCannotBeAsked(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := &node{t: t, backend: backend, family: family, dir: stripped(t, backend)}
		cmd := exec.Command(filepath.Join(n.dir, "agent"), n.arguments("1s")...)
		cmd.Env = append(os.Environ(), "PATH="+n.dir, "XTABLES_LOCKFILE="+filepath.Join(n.dir, "lock"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		n.agent = program.Start(t, cmd)
		n.waitRight()
		before := n.children()
		n.waitTicks(4)
		if after := n.children(); after.faults == before.faults {
			t.Errorf("no command was run in four intervals: children at %+v", after)
		}
		netns.IPTables(t, backend, family, "-F", "IP-MASQ")
		n.waitRight()
		if said := n.agent.Log.Count("Change detection is unavailable", "operation not permitted", `family="`+family+`"`); said != 1 {
			t.Errorf("the agent said %d times why it cannot look, want once", said)
		}
	})
}

const nobody = 65534

// stripped is a directory in which nobody, who has no capabilities, finds the
// agent and the commands of a backend; those have them.
func stripped(t testing.TB, backend string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "stripped") // t.TempDir lies in a directory that is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		if os.Getenv(netns.EnvRequireRoot) == "1" {
			t.Fatal(err)
		}
		t.Skipf("in this user namespace there is nobody but root: %v", err)
	}
	duplicate(t, program.Path(), filepath.Join(dir, "agent"))
	multi := filepath.Join(dir, strings.Replace(backend, "ip", "x", 1)+"-multi")
	path, err := exec.LookPath(filepath.Base(multi))
	if err != nil {
		t.Fatal(err)
	}
	duplicate(t, path, multi)
	if err := syscall.Setxattr(multi, "security.capability", capabilities(), 0); err != nil {
		t.Fatalf("giving %s capabilities: %v", multi, err)
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
