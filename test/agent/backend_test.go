// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// TestBackendChoice checks which backend the agent chooses. The rules of all
// backends are in force, so rules in a backend that the node does not use go
// unnoticed until they cause trouble. The case of a missing kernel extension is
// tested in pkg/backend and by make vm.
func TestBackendChoice(t *testing.T) {
	const (
		nftHint      = "iptables-nft -w -t mangle -N KUBE-IPTABLES-HINT"
		nftCanary    = "iptables-nft -w -t mangle -N KUBE-KUBELET-CANARY"
		legacyHint   = "iptables-legacy -w -t mangle -N KUBE-IPTABLES-HINT"
		legacyCanary = "iptables-legacy -w -t mangle -N KUBE-KUBELET-CANARY"
		nftOurs      = "iptables-nft -w -t nat -N IP-MASQ"
		legacyOurs   = "iptables-legacy -w -t nat -N IP-MASQ"
	)
	ipv6 := func(command string) string { return strings.Replace(command, "iptables", "ip6tables", 1) }
	tests := []struct {
		name  string
		setup []string
		plain string // the backend of the command iptables: iptables-nft if empty, noIPTables for no commands
		args  []string
		want  string
		log   []string // in the log line with the choice
	}{
		{name: "hint in nft", setup: []string{nftHint}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "canary in nft", setup: []string{nftCanary}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"KUBE-KUBELET-CANARY"}},
		{name: "hint in legacy", setup: []string{legacyHint}, want: "iptables-legacy", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "canary in legacy", setup: []string{legacyCanary}, want: "iptables-legacy", log: []string{"KUBE-KUBELET-CANARY"}},
		{name: "canary in another table of legacy", setup: []string{"iptables-legacy -w -t filter -N KUBE-KUBELET-CANARY"}, want: "iptables-legacy", log: []string{"KUBE-KUBELET-CANARY"}},
		{name: "hints in both", setup: []string{legacyHint, nftHint}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "IPv6 hint in nft", setup: []string{ipv6(nftHint)}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "IPv6 hint in nft, IPv4 hint in legacy", setup: []string{ipv6(nftHint), legacyHint}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "IPv6 canary in legacy", setup: []string{ipv6(legacyCanary)}, want: "iptables-legacy", log: []string{"KUBE-KUBELET-CANARY"}},
		{name: "our chain in nft", setup: []string{nftOurs}, plain: "iptables-legacy", want: "iptables-nft", log: []string{"chain"}},
		{name: "our chain in legacy", setup: []string{legacyOurs}, want: "iptables-legacy", log: []string{"chain"}},
		{name: "our IPv6 chain in legacy", setup: []string{ipv6(legacyOurs)}, want: "iptables-legacy", log: []string{"chain"}},
		{name: "nothing, iptables is nft", want: "iptables-nft", log: []string{"iptables"}},
		{name: "nothing, iptables is legacy", plain: "iptables-legacy", want: "iptables-legacy", log: []string{"iptables"}},
		{name: "other chains do not count", setup: []string{"iptables-nft -w -t mangle -N KUBE-IPTABLES-HINT2", "iptables-nft -w -t nat -N KUBE-KUBELET-CANARY"},
			plain: "iptables-legacy", want: "iptables-legacy", log: []string{"iptables"}},
		{name: "hint in nft, our chain in legacy", setup: []string{nftHint, legacyOurs}, want: "iptables-nft", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "hint in legacy, our chain in nft", setup: []string{legacyHint, nftOurs}, want: "iptables-legacy", log: []string{"KUBE-IPTABLES-HINT"}},
		{name: "no iptables", plain: noIPTables, want: netns.NFTables, log: []string{"no usable iptables"}},
		{name: "no iptables, hint in nft", setup: []string{nftHint}, plain: noIPTables, want: netns.NFTables, log: []string{"no usable iptables"}},
		{name: "nftables asked for", setup: []string{nftHint, legacyOurs}, args: []string{"--backend=nftables"}, want: netns.NFTables, log: []string{"--backend"}},
		{name: "nftables is not chosen for its table", setup: []string{"nft add table ip ip-masq-agent"}, plain: "iptables-legacy", want: "iptables-legacy", log: []string{"iptables"}},
		{name: "legacy asked for", setup: []string{nftHint}, args: []string{"--backend=iptables-legacy"}, want: "iptables-legacy", log: []string{"--backend"}},
		{name: "nft asked for", setup: []string{legacyHint}, plain: "iptables-legacy", args: []string{"--backend=iptables-nft"}, want: "iptables-nft", log: []string{"--backend"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Require(t, "iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy", "nft")
			netns.Run(t, func(t *testing.T) {
				for _, command := range tt.setup {
					words := strings.Fields(command)
					if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
						t.Fatalf("%s: %v: %s", command, err, out)
					}
				}
				n := newNode(t, tt.want, "IPv4")
				n.env = append(n.env, "PATH="+path(t, tt.plain))
				untouched := tables(t, netns.OtherBackends(tt.want)...)
				p := program.Start(t, program.Command(n.env, append([]string{"--config=" + n.config.path(), "--enable-ipv6"}, tt.args...)...))
				p.WaitLog(append(slices.Clone(tt.log), `"`+tt.want+`"`)...)
				n.wait(n.defaultChain())
				other := otherFamilyNode(n)
				other.wait(other.defaultChain())
				if diff := cmp.Diff(untouched, tables(t, netns.OtherBackends(tt.want)...)); diff != "" {
					t.Errorf("backends other than %s changed (-before +after):\n%s", tt.want, diff)
				}
			})
		})
	}
}

// TestOneBackendInstalled runs the agent where only the commands of one
// iptables backend are installed, or none, which leaves nftables.
func TestOneBackendInstalled(t *testing.T) {
	eachNode(t, func(n *node) {
		dir := n.t.TempDir()
		if !n.nftables() {
			link(n.t.(*testing.T), dir, n.backend, slices.Concat(n.commands("IPv4"), n.commands("IPv6"))...)
		}
		n.env = append(n.env, "PATH="+dir)
		n.start("--backend=auto")
		n.wait(n.defaultChain())
	})
}

// noIPTables stands for a node without iptables commands.
const noIPTables = "none"

// path returns a PATH in which iptables, ip6tables and so on are those of a
// backend.
func path(t *testing.T, plain string) string {
	t.Helper()
	if plain == noIPTables {
		return t.TempDir()
	}
	return commandDir(t, plain) + ":" + os.Getenv("PATH")
}

// commandDir creates a directory with commands iptables, ip6tables and so on of a
// backend.
func commandDir(t *testing.T, backend string) string {
	t.Helper()
	if backend == "" {
		backend = "iptables-nft"
	}
	dir := t.TempDir()
	link(t, dir, backend, "iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")
	return dir
}

// multiBinary returns the path of the binary that all commands of a backend link to.
func multiBinary(t *testing.T, backend string) string {
	t.Helper()
	path, err := exec.LookPath(netns.Command(backend, "IPv4"))
	if err != nil {
		t.Fatal(err)
	}
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tables returns all rules of the backends as text. It creates no tables.
func tables(t *testing.T, backends ...string) string {
	t.Helper()
	var all strings.Builder
	for _, b := range backends {
		all.WriteString(b + ":\n" + tablesOf(t, b))
	}
	return all.String()
}

func tablesOf(t *testing.T, backend string) string {
	t.Helper()
	switch backend {
	case netns.NFTables:
		return rules.New(backend, "IPv4").List(t) + rules.New(backend, "IPv6").List(t)
	case "iptables-legacy":
		var all strings.Builder
		for _, family := range []string{"IPv4", "IPv6"} {
			for _, table := range netns.LegacyTables(t, family) {
				all.WriteString(family + "\n" + netns.SaveTable(t, backend, family, table))
			}
		}
		return all.String()
	}
	var all strings.Builder
	for _, command := range []string{"iptables-nft-save", "ip6tables-nft-save"} {
		out, err := exec.Command(command).Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, "#") {
				all.WriteString(line)
			}
		}
	}
	return all.String()
}

// link creates links in dir to commands of a backend.
func link(t *testing.T, dir, backend string, names ...string) {
	t.Helper()
	for _, name := range names {
		// The binary of a backend selects the command by the name of the link.
		if err := os.Symlink(multiBinary(t, backend), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
