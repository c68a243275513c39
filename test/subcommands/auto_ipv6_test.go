// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestAutoIPv6 runs doctor and explain while an agent with --enable-ipv6=auto
// runs, once with its HTTP server, which reports whether it manages IPv6, and
// once without.
func TestAutoIPv6(t *testing.T) {
	netns.Require(t, "nft")
	for name, address := range map[string]string{"with a server": "127.0.0.1:10292", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				here := dualStackNode(t, "0")
				args := []string{"--config=" + goodFile(t), "--enable-ipv6=auto", "--backend=nftables", "--http-bind-address=" + address}
				p := program.Start(t, program.Command(nil, args...))
				p.WaitLog("Synced rules", `family="IPv4"`)
				p.WaitLog("Leaving the family off")
				off, on := "ok         the node does not forward IPv6, so --enable-ipv6=auto leaves IPv6 off", "ok         --enable-ipv6=auto has enabled IPv6"
				none := "the agent has no IPv6 rules: --enable-ipv6=auto has not enabled IPv6: the node does not forward IPv6 (net.ipv6.conf.all.forwarding is 0)"
				const some = "no CIDR of the agent's rules contains it"

				checkOutput(t, 0, off, "doctor")
				checkOutput(t, 0, none, "explain", "2001:db8::7")
				checkOutput(t, 0, none, "explain", "--enable-ipv6=auto", "--config="+goodFile(t), "2001:db8::7")
				checkOutput(t, 0, "has no IPv6 rules: --enable-ipv6 is off", "explain", "--config=none", "2001:db8::7")

				here.Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
				p.WaitLog("Enabled the family", `family="IPv6"`)
				checkOutput(t, 0, on, "doctor")
				checkOutput(t, 0, some, "explain", "2001:db8::7")
				checkOutput(t, 0, some, "explain", "--enable-ipv6=auto", "--config="+goodFile(t), "2001:db8::7")

				here.Sysctl(t, "net/ipv6/conf/all/forwarding", "0") // the rules stay, and the agent still manages them
				checkOutput(t, 0, on, "doctor")
				checkOutput(t, 0, some, "explain", "2001:db8::7")
			})
		})
	}
}

// TestAutoIPv6IsOff runs doctor and explain on a node that forwards IPv6, beside an
// agent that cannot enable it because there is no ip6tables.
func TestAutoIPv6IsOff(t *testing.T) {
	netns.Require(t, "iptables-nft", "nft")
	for name, address := range map[string]string{"with a server": "127.0.0.1:10292", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				dualStackNode(t, "1")
				p := program.Start(t, program.Command([]string{"PATH=" + onlyIPv4Commands(t)}, "--config="+goodFile(t), "--enable-ipv6=auto", "--backend=iptables-nft", "--http-bind-address="+address))
				p.WaitLog("Synced rules", `family="IPv4"`)
				p.WaitLog("Leaving the family off, though it is needed")
				checkOutput(t, 1, "warning    the node forwards IPv6, but the agent (--enable-ipv6=auto) has not enabled IPv6", "doctor")
				checkOutput(t, 0, "the agent has no IPv6 rules: --enable-ipv6=auto has not enabled IPv6: the node forwards IPv6 (net.ipv6.conf.all.forwarding is 1); the log of the agent has the reason", "explain", "2001:db8::7")

				// Rules in another backend are not the agent's.
				if out, err := netns.Output("nft", "add table ip6 ip-masq-agent"); err != nil {
					t.Fatal(out, err)
				}
				checkOutput(t, 1, "but the agent (--enable-ipv6=auto) has not enabled IPv6", "doctor")
			})
		})
	}
}

// onlyIPv4Commands returns a directory with the commands of iptables-nft for IPv4.
func onlyIPv4Commands(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"iptables-nft", "iptables-nft-save", "iptables-nft-restore"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkOutput runs a subcommand and checks its exit status and a part of its output.
func checkOutput(t *testing.T, status int, part string, args ...string) {
	t.Helper()
	if r := subcommand(t, nil, args...); r.status != status || !strings.Contains(r.stdout, part) {
		t.Errorf("%q: status %d, want %d, and %q in:\n%s%s", args, r.status, status, part, r.stdout, r.stderr)
	}
}

// dualStackNode gives the namespace addresses of both families, and sets whether it
// forwards IPv6: "0" or "1".
func dualStackNode(t *testing.T, forwarding string) *netns.NS {
	t.Helper()
	here := netns.Here(t)
	here.Sysctl(t, "net/ipv6/conf/all/forwarding", forwarding)
	netns.Connect(t, here, "eth0", netns.New(t), "eth0")
	here.Address(t, "eth0", "2001:db8::1/64", "192.0.2.1/24")
	return here
}
