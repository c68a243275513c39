// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// eachBackend runs a story about IPv6 on every backend, on a machine that does
// not forward IPv6 yet.
func eachBackend(t *testing.T, story func(n *node, forward func(value string))) {
	t.Helper()
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Tools(backend, "IPv6")...)...)
			netns.Run(t, func(t *testing.T) {
				here := netns.Here(t)
				forward := func(value string) { here.Sysctl(t, "net/ipv6/conf/all/forwarding", value) }
				forward("0")
				story(newNode(t, backend, "IPv6"), forward)
			})
		})
	}
}

// TestAutoIPv6 switches forwarding on and off under a running agent. IPv6 is
// managed from the first resync after it was on, and then stays: rules that are
// there are not removed, are repaired, and follow the file.
func TestAutoIPv6(t *testing.T) {
	eachBackend(t, func(n *node, forward func(string)) {
		four := newOther(n)
		n.config.write(t, n.oneRange()) // an IPv6 range is no error
		p := n.start("--enable-ipv6=auto")
		four.wait(chain("169.254.0.0/16"))
		p.WaitLog("Leaving the family off", `family="IPv6"`, "the node does not forward IPv6")
		four.do(four.rules.Flush)
		four.wait(chain("169.254.0.0/16")) // several intervals are over
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
		n.do(n.rules.Flush)
		n.wait(n.oneRangeChain())
		n.config.write(t, n.threeRanges())
		n.wait(n.threeRangesChain())
		p.SkipLog()
		forward("1")
		p.WaitLog("The family is needed again")

		// A restart: rules that are there do not go stale.
		forward("0")
		p.Stop(syscall.SIGTERM)
		n.check("the agent ended", n.threeRangesChain())
		n.config.write(t, n.oneRange())
		p = n.start("--enable-ipv6=auto")
		n.wait(n.oneRangeChain())
		p.WaitLog("Enabled the family, because the kernel holds rules of this agent for it")
	})
}

// checkOff checks that the agent did nothing in IPv6.
func (n *node) checkOff() {
	n.t.Helper()
	if tables := netns.LegacyTables(n.t, "IPv6"); len(tables) != 0 {
		n.t.Errorf("ip6tables has tables: %q", tables)
	}
	if n.rules.Exist(n.t) {
		n.t.Errorf("there are IPv6 rules:\n%s", n.rules.List(n.t))
	}
}

// waitReady waits until the agent is ready, and checks that its metrics have one
// text and not another.
func (n *node) waitReady(has, lacks string) {
	n.t.Helper()
	client := http.Client{Timeout: program.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) (int, string, error) {
		answer, err := client.Get("http://127.0.0.1:10292" + path)
		if err != nil {
			return 0, "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return answer.StatusCode, string(body), err
	}
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

// TestAutoIPv6WithoutCommands: on a node that forwards IPv6 but has no ip6tables
// the family is off, and the agent says why and is ready. It follows when the
// commands come.
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
		newOther(n).wait(chain("169.254.0.0/16"))
		p.WaitLog("Leaving the family off, though it is needed", `family="IPv6"`, "the node forwards IPv6", "ip6tables-nft")
		n.checkOff()
		n.waitReady(`family="IPv4"`, `family="IPv6"`)
		link(t, dir, n.backend, "ip6tables-nft", "ip6tables-nft-save", "ip6tables-nft-restore")
		n.wait(n.oneRangeChain())
	})
}

// TestEnableIPv6Values: which values turn IPv6 on, on a node that does not forward
// it.
func TestEnableIPv6Values(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		netns.Here(t).Sysctl(t, "net/ipv6/conf/all/forwarding", "0")
		for _, tt := range []struct {
			flag string
			on   bool
		}{
			{"--enable-ipv6", true}, {"--enable-ipv6=true", true}, {"-enable-ipv6", true}, {"--enable-ipv6=1", true},
			{"--enable-ipv6=false", false}, {"--enable-ipv6=0", false}, {"--enable-ipv6=auto", false}, {"-v=0", false},
		} {
			newNode(t, netns.NFTables, "IPv4").run(tt.flag, func(n *node) {
				n.startRight("resyncInterval: 100ms", n.defaultChain(), tt.flag)
				six := newOther(n)
				if tt.on {
					six.wait(six.defaultChain())
					return
				}
				time.Sleep(300 * time.Millisecond)
				six.checkOff()
			})
		}
	})
}
