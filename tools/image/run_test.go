// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// agentRules is a chain with every extension that the agent's rules use.
const agentRules = `*nat
:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "a comment" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -j MASQUERADE --random-fully -p tcp -m statistic --mode random --probability 0.5 --to-ports 1024-2000
-A IP-MASQ -j MASQUERADE --random-fully -p udp --to-ports 1024-2000
-A IP-MASQ -j MASQUERADE --random-fully -p sctp --to-ports 1024-2000
-A IP-MASQ -j MASQUERADE --random-fully
-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ
COMMIT
`

// listedRules is how -S lists the chain.
const listedRules = `-N IP-MASQ
-A IP-MASQ -d 10.0.0.0/8 -m comment --comment "a comment" -j RETURN
-A IP-MASQ -p tcp -m statistic --mode random --probability 0.50000000000 -j MASQUERADE --to-ports 1024-2000 --random-fully
-A IP-MASQ -p udp -j MASQUERADE --to-ports 1024-2000 --random-fully
-A IP-MASQ -p sctp -j MASQUERADE --to-ports 1024-2000 --random-fully
-A IP-MASQ -j MASQUERADE --random-fully
`

// TestProgramsOfTheImage runs the agent and iptables with nothing but the files
// of the image, in network namespaces of their own.
func TestProgramsOfTheImage(t *testing.T) {
	img := builtImage(t)
	if os.Getuid() != 0 || img.config.Architecture != runtime.GOARCH {
		t.Skip("needs root, and an image for " + runtime.GOARCH)
	}
	root := t.TempDir()
	unpack(t, img, root)
	run := func(t *testing.T, ns *netns.NS, stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command("unshare", append([]string{"--mount", "--root", root, "--mount-proc=/proc", "--"}, args...)...)
		cmd.Env = img.config.Config.Env
		cmd.Stdin = strings.NewReader(stdin)
		var out []byte
		err := ns.Do(func() (err error) {
			out, err = cmd.CombinedOutput()
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	for _, backend := range []string{"nft", "legacy"} {
		for _, family := range []string{"iptables", "ip6tables"} {
			program := "/usr/sbin/" + family + "-" + backend
			t.Run(family+"-"+backend, func(t *testing.T) {
				ns := netns.New(t)
				rules, listed := agentRules, listedRules
				if family == "ip6tables" {
					rules, listed = strings.ReplaceAll(rules, "10.0.0.0/8", "fd00::/8"), strings.ReplaceAll(listed, "10.0.0.0/8", "fd00::/8")
				}
				run(t, ns, rules, program+"-restore", "--noflush")
				if diff := cmp.Diff(listed, run(t, ns, "", program, "-t", "nat", "-S", "IP-MASQ")); diff != "" {
					t.Errorf("the chain (-want +got):\n%s", diff)
				}
				run(t, ns, "", program+"-save", "-t", "nat")
				if out := run(t, ns, "", "/ip-masq-agent", "cleanup"); !strings.Contains(out, "removed chain IP-MASQ") {
					t.Errorf("ip-masq-agent cleanup:\n%s", out)
				}
			})
		}
	}
}

func unpack(t *testing.T, img *image, root string) {
	t.Helper()
	for name, f := range img.files {
		target := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(target), 0o755)
		if err == nil && f.mode.Type() == fs.ModeSymlink {
			err = os.Symlink(f.link, target)
		} else if err == nil {
			err = os.WriteFile(target, f.data, f.mode.Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Folders without files: for the lock of iptables-legacy, and as a runtime
	// makes it.
	for _, dir := range []string{"run", "proc"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
