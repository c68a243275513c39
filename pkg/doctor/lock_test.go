// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/backend"
)

const (
	// hostMounts is a part of the mountinfo of a machine.
	hostMounts = `22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
25 22 0:23 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755
`
	container = "1042 903 0:309 / / ro,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/8/fs\n"
)

func TestLock(t *testing.T) {
	tests := []struct {
		name, mounts string
		backend      backend.Name
		want         string
	}{
		{"host", hostMounts, backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"mounted file", container + "1050 1042 0:23 /xtables.lock /run/xtables.lock rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"mounted directory", container + "1050 1042 259:2 /run /run rw - ext4 /dev/root rw\n", backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"container", container, backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in the container's root file system"},
		{"container's tmpfs", container + "1050 1042 0:99 / /run rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in /run, a tmpfs of the container"},
		{"another file", container + "1050 1042 0:23 /x /run/xtables.lock.d rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in the container's root file system"},
		{"iptables-nft", container, backend.IPTablesNFT, "info: /run/xtables.lock is not the host's (it is in the container's root file system), and iptables-nft does not need it"},
		{"unreadable", "nonsense\n", backend.IPTablesLegacy, "unchecked: cannot tell whether /run/xtables.lock is the host's: /run/xtables.lock is not in mountinfo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := Node{Mounts: tt.mounts, Backend: Backend{Name: tt.backend}}
			if diff := cmp.Diff([]string{tt.want}, summaries(checkLock(n))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMountsOfTheAgent runs doctor outside the agent's container: the mounts of the
// agent count.
func TestMountsOfTheAgent(t *testing.T) {
	process := t.TempDir()
	if err := os.WriteFile(filepath.Join(process, "mountinfo"), []byte("the agent's"), 0o644); err != nil {
		t.Fatal(err)
	}
	n := Node{Root: filepath.Join(process, "root")}
	n.host()
	if n.Mounts != "the agent's" || n.MountsErr != nil {
		t.Errorf("mounts %q, error %v", n.Mounts, n.MountsErr)
	}
}
