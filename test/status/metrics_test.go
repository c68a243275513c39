// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

func TestPromtoolFindsNothing(t *testing.T) {
	netns.Require(t, "promtool")
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, good)
		n.start("--enable-ipv6")
		n.waitFor("/readyz", 200, "ok")
		cmd := exec.Command("promtool", "check", "metrics")
		cmd.Stdin = strings.NewReader(n.mustGet("/metrics").Body)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, out)
		}
	})
}

// TestCountsConnectionsByVerdict makes connections from a pod and checks the
// counters.
func TestCountsConnectionsByVerdict(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		// In each network the node is address 1. The pod is 2 in one of them,
		// and the host outside is 2 in the other two, where it also has a
		// second address.
		pod, kept, outside := "10.1.0.%d/24", "10.2.0.%d/24", "192.0.2.%d/24"
		if family == "IPv6" {
			pod, kept, outside = "fd00:1::%d/64", "fd00:2::%d/64", "2001:db8::%d/64"
		}
		at := func(prefix string, n int) string { return fmt.Sprintf(prefix, n) }
		bare := func(prefix string, n int) string {
			a, _, _ := strings.Cut(at(prefix, n), "/")
			return a
		}
		here, podNS, outsideNS := netns.Here(t), netns.New(t), netns.New(t)
		netns.Connect(t, here, "pod", podNS, "eth0")
		netns.Connect(t, here, "outside", outsideNS, "eth0")
		here.Address(t, "pod", at(pod, 1))
		podNS.Address(t, "eth0", at(pod, 2))
		here.Address(t, "outside", at(kept, 1), at(outside, 1))
		outsideNS.Address(t, "eth0", at(kept, 2), at(outside, 2))
		podNS.Route(t, "default", bare(pod, 1))
		outsideNS.Route(t, "default", bare(kept, 1))
		here.Forward(t)
		port := func(a string) string {
			if family == "IPv6" {
				return "[" + a + "]:8080"
			}
			return a + ":8080"
		}
		toKept, toWorld := port(bare(kept, 2)), port(bare(outside, 2))
		netns.Serve(t, outsideNS, toKept)
		netns.Serve(t, outsideNS, toWorld)

		n := newNode(t, "nonMasqueradeCIDRs: ["+strings.Replace(at(kept, 0), "::0/", "::/", 1)+"]\nresyncInterval: 200ms\n")
		n.start("--backend="+backend, "--enable-ipv6")
		n.waitFor("/readyz", 200, "ok")

		dial := func(to, want string, times int) {
			for range times {
				seen, err := netns.Dial(podNS, to)
				if err != nil {
					t.Fatal(err)
				}
				if seen.Addr().String() != want {
					t.Errorf("%s saw %s, want %s", to, seen.Addr(), want)
				}
			}
		}
		dial(toKept, bare(pod, 2), 3)
		dial(toWorld, bare(outside, 1), 2)
		series := func(metric, verdict string) string {
			return "\nip_masq_agent_" + metric + `_total{family="` + family + `",verdict="` + verdict + `"} `
		}
		// A SYN packet with Linux's options has 60 bytes, with IPv6 80.
		size := 60
		if family == "IPv6" {
			size = 80
		}
		n.waitFor("/metrics", 200,
			series("packets", "return")+"3\n", series("packets", "masquerade")+"2\n",
			series("bytes", "return")+fmt.Sprint(3*size)+"\n", series("bytes", "masquerade")+fmt.Sprint(2*size)+"\n")

		// With the iptables backends a restore zeroes the kernel's counters.
		// The metrics must not decrease. A connection during the edit would be
		// lost: the agent reads the counters shortly before the restore.
		n.agent.SkipLog()
		n.write("nonMasqueradeCIDRs: [" + strings.Replace(at(kept, 0), "::0/", "::/", 1) + ", 10.9.0.0/16]\nresyncInterval: 200ms\n")
		for _, f := range []string{"IPv4", "IPv6"} {
			n.agent.WaitLog("Synced rules", `family="`+f+`"`)
		}
		dial(toWorld, bare(outside, 1), 1)
		n.waitFor("/metrics", 200, series("packets", "return")+"3\n", series("packets", "masquerade")+"3\n")

		// With sourceCIDRs the node's own connections reach the end of the
		// chain, where no rule counts them.
		others, rules := ", 198.51.100.0/24, 203.0.113.0/24", 5
		if family == "IPv6" {
			others = ", 2001:db8:1::/64, 2001:db8:2::/64"
		}
		if backend == netns.NFTables {
			rules = 7
		}
		n.write("nonMasqueradeCIDRs: [" + strings.Replace(at(kept, 0), "::0/", "::/", 1) + "]\nsourceCIDRs: [" + strings.Replace(at(pod, 0), "::0/", "::/", 1) + others + "]\nresyncInterval: 200ms\n")
		n.waitFor("/metrics", 200, fmt.Sprintf("\nip_masq_agent_rules{family=%q} %d\n", family, rules))
		dial(toWorld, bare(outside, 1), 1)
		dial(toKept, bare(pod, 2), 1)
		for range 2 {
			if _, err := netns.Dial(here, toWorld); err != nil {
				t.Fatal(err)
			}
		}
		n.waitFor("/metrics", 200,
			series("packets", "return")+"6\n", series("packets", "masquerade")+"4\n",
			series("bytes", "return")+fmt.Sprint(6*size)+"\n", series("bytes", "masquerade")+fmt.Sprint(4*size)+"\n")
	})
}
