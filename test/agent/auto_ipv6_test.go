// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// eachBackend runs a test on a node of each backend that does not forward IPv6
// at first.
func eachBackend(t *testing.T, test func(n *node, forward func(value string))) {
	t.Helper()
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Tools(backend, "IPv6")...)...)
			netns.Run(t, func(t *testing.T) {
				here := netns.Here(t)
				forward := func(value string) { here.Sysctl(t, "net/ipv6/conf/all/forwarding", value) }
				forward("0")
				test(newNode(t, backend, "IPv6"), forward)
			})
		})
	}
}

// TestAutoIPv6 turns forwarding on and off while the agent runs. The agent
// manages IPv6 about a second after forwarding is on. When forwarding is
// off again, the rules stay, are repaired and follow the file.
func TestAutoIPv6(t *testing.T) {
	eachBackend(t, func(n *node, forward func(string)) {
		four := otherFamilyNode(n)
		n.config.write(t, n.oneRange()) // an IPv6 CIDR in the file is not an error
		p := n.start("--enable-ipv6=auto")
		four.wait(chain("169.254.0.0/16"))
		p.WaitLog("Leaving the family off", `family="IPv6"`, "the node does not forward IPv6")
		four.damage(four.rules.Flush)
		four.wait(chain("169.254.0.0/16")) // several resync intervals have passed
		n.checkOff()
		n.waitReady(`family="IPv4"`, `family="IPv6"`)

		forward("1")
		n.wait(n.oneRangeChain())
		p.WaitLog("Enabled the family", `family="IPv6"`, "the node forwards IPv6")
		n.waitReady(`family="IPv6"`, "")

		p.SkipLog()
		forward("0")
		p.WaitLog("not needed any more; its rules stay in force", "the node does not forward IPv6")
		n.check("forwarding was switched off", n.oneRangeChain())
		n.damage(n.rules.Flush)
		n.wait(n.oneRangeChain())
		n.config.write(t, n.threeRanges())
		n.wait(n.threeRangesChain())
		p.SkipLog()
		forward("1")
		p.WaitLog("The family is needed again")

		// After a restart the existing rules are updated, although the node
		// does not forward.
		forward("0")
		p.Stop(syscall.SIGTERM)
		n.check("the agent ended", n.threeRangesChain())
		n.config.write(t, n.oneRange())
		p = n.start("--enable-ipv6=auto")
		n.wait(n.oneRangeChain())
		p.WaitLog("Enabled the family, because the kernel holds rules of this agent for it")
	})
}

// checkOff checks that the agent did nothing for IPv6.
func (n *node) checkOff() {
	n.t.Helper()
	if tables := netns.LegacyTables(n.t, "IPv6"); len(tables) != 0 {
		n.t.Errorf("tables of ip6tables: %q, want none", tables)
	}
	if n.rules.Exist(n.t) {
		n.t.Errorf("IPv6 rules of the agent, want none:\n%s", n.rules.List(n.t))
	}
}

// waitReady waits until the agent is ready and its metrics contain has and do
// not contain lacks.
func (n *node) waitReady(has, lacks string) {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if code, body, err := get("/readyz"); code != http.StatusOK {
			return fmt.Sprintf("/readyz: %d, %s, %v", code, body, err)
		}
		_, body, err := get("/metrics")
		if err != nil || !strings.Contains(body, has) || lacks != "" && strings.Contains(body, lacks) {
			return fmt.Sprintf("/metrics: %v, want %q and not %q in:\n%s", err, has, lacks, body)
		}
		return ""
	})
}

// get asks the agent's HTTP server.
func get(path string) (code int, body string, err error) {
	client := http.Client{Timeout: program.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://127.0.0.1:10292" + path)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// TestAutoIPv6WithoutCommands runs on a node that forwards IPv6 but has no
// ip6tables. The family is off, the agent logs why and is ready. It turns the
// family on when the commands are installed.
func TestAutoIPv6WithoutCommands(t *testing.T) {
	netns.Require(t, "iptables-nft", "ip6tables-nft")
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
		n := newNode(t, "iptables-nft", "IPv6")
		dir := t.TempDir()
		link(t, dir, n.backend, "iptables-nft", "iptables-nft-save", "iptables-nft-restore")
		n.env = []string{"PATH=" + dir}
		n.config.write(t, n.oneRange())
		p := n.start("--enable-ipv6=auto")
		otherFamilyNode(n).wait(chain("169.254.0.0/16"))
		p.WaitLog("Leaving the family off, though it is needed", `family="IPv6"`, "the node forwards IPv6", "ip6tables-nft")
		n.checkOff()
		n.waitReady(`family="IPv4"`, `family="IPv6"`)
		link(t, dir, n.backend, "ip6tables-nft", "ip6tables-nft-save", "ip6tables-nft-restore")
		n.wait(n.oneRangeChain())
	})
}

// TestAutoIPv6CannotBeWritten runs on a node that forwards IPv6, with a command that
// prints what ip6tables-legacy-restore prints if the kernel has no nat table for
// IPv6. The family is off, and the agent is ready, until the command works.
func TestAutoIPv6CannotBeWritten(t *testing.T) {
	netns.Require(t, "iptables-legacy", "ip6tables-legacy")
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
		n := newNode(t, "iptables-legacy", "IPv6")
		dir := t.TempDir()
		link(t, dir, n.backend, "iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore", "ip6tables-legacy", "ip6tables-legacy-save")
		restore := filepath.Join(dir, "ip6tables-legacy-restore")
		script := "#!/bin/sh\necho \"ip6tables-restore v1.8.9 (legacy): ip6tables-restore: unable to initialize table 'nat'\" >&2\nexit 1\n"
		if err := os.WriteFile(restore, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		n.env = []string{"PATH=" + dir}
		n.config.write(t, n.oneRange())
		p := n.start("--enable-ipv6=auto")
		otherFamilyNode(n).wait(chain("169.254.0.0/16"))
		p.WaitLog("Leaving the family off, though it is needed", `family="IPv6"`, "the node forwards IPv6", "unable to initialize table")
		n.waitReady(`family="IPv4"`, `family="IPv6"`)
		if err := os.Remove(restore); err != nil {
			t.Fatal(err)
		}
		link(t, dir, n.backend, "ip6tables-legacy-restore")
		n.wait(n.oneRangeChain())
		n.waitReady(`family="IPv6"`, "")
	})
}
