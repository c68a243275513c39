// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"

	"ip-masq-agent/pkg/netfilter"
)

// others is what the node's other programs have in the table. It must come out
// of every test as it went in.
const others = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE
COMMIT
`

// wanted is a chain with every kind of rule that the agent writes.
func wanted(family string) Chain {
	kept := map[string][]string{"IPv4": {"169.254.0.0/16", "198.15.5.0/24", "0.0.0.0/0"}, "IPv6": {"fe80::/10", "fd00:1::/32", "::/0"}}[family]
	c := Chain{Name: "IP-MASQ", Jump: Rule{Comment: "ensure: the jump", NotLocal: true, Target: "IP-MASQ"}}
	for _, p := range kept {
		c.Rules = append(c.Rules, Rule{Comment: "local traffic", Destination: netip.MustParsePrefix(p), Target: Return})
	}
	source := netip.MustParsePrefix(map[string]string{"IPv4": "10.244.0.0/17", "IPv6": "fd00:244::/57"}[family])
	c.Rules = append(c.Rules,
		Rule{Comment: "pods only", Source: source, Destination: netip.MustParsePrefix(kept[1]), Target: Masquerade, RandomFully: true, Protocol: "udp", ToPorts: PortRange{From: 5, To: 6}},
		Rule{Comment: "pods only", Source: source, Target: Masquerade, RandomFully: true})
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		c.Rules = append(c.Rules,
			Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true, Protocol: protocol, Probability: 28976.0 / 61744, ToPorts: PortRange{From: 1024, To: 29999}},
			Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true, Protocol: protocol, ToPorts: PortRange{From: 32768, To: 65535}})
	}
	c.Rules = append(c.Rules,
		Rule{Comment: "single", Destination: netip.MustParsePrefix(kept[1]), Target: Masquerade, Protocol: "tcp", ToPorts: PortRange{From: 4000, To: 4000}},
		Rule{Comment: "last (must be)", Target: Masquerade, RandomFully: true})
	return c
}

func familyOf(name string) netfilter.Family {
	if name == "IPv6" {
		return netfilter.IPv6
	}
	return netfilter.IPv4
}

// apply applies the chain with a new NAT and checks the report.
func apply(t *testing.T, backend, family string, c Chain, wroteChain, wroteJump bool) {
	t.Helper()
	got, err := NewNAT(familyOf(family), Backend(backend)).Apply(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cost <= 0 {
		t.Errorf("the cost is %v, want more than 0", got.Cost)
	}
	want := netfilter.Report{WroteChain: wroteChain, WroteJump: wroteJump, Rules: len(c.Rules), Cost: got.Cost}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestApplyingTwiceIsApplyingOnce is invariant 6.
func TestApplyingTwiceIsApplyingOnce(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, others)
		c := wanted(family)
		apply(t, backend, family, c, true, true)
		first := netns.Save(t, backend, family)
		apply(t, backend, family, c, false, false)
		if diff := cmp.Diff(first, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("the second Apply changed the table (-first +second):\n%s", diff)
		}
		if lines := netns.List(t, backend, family, c.Name); len(lines) != 1+len(c.Rules) {
			t.Errorf("the chain has %d rules, want %d:\n%s", len(lines)-1, len(c.Rules), strings.Join(lines, "\n"))
		}
		c.Rules = c.Rules[2:] // shrink
		apply(t, backend, family, c, true, false)
		c.Rules = append(slices.Clone(c.Rules[:1]), c.Rules...) // grow
		apply(t, backend, family, c, true, false)
		apply(t, backend, family, c, false, false)
	})
}

// TestOwnsOneChainAndOneRule is invariant 1, with every kind of drift.
func TestOwnsOneChainAndOneRule(t *testing.T) {
	const jump = `-A POSTROUTING -m comment --comment "ensure: the jump" -m addrtype ! --dst-type LOCAL -j IP-MASQ`
	drifts := []struct {
		name        string
		restore     string // what another program does
		chain, jump bool   // what Apply has to write
		moved       bool   // the jump is at another position than before
	}{
		{name: "nothing"},
		{name: "flushed", restore: "-F IP-MASQ", chain: true},
		{name: "rule appended", restore: "-A IP-MASQ -j RETURN", chain: true},
		{name: "rule inserted", restore: "-I IP-MASQ -s 10.0.0.0/8 -j ACCEPT", chain: true},
		{name: "rule deleted", restore: "-D IP-MASQ 1", chain: true},
		{name: "rule replaced", restore: "-R IP-MASQ 1 -j RETURN", chain: true},
		{name: "jump deleted", restore: "-D" + jump[2:], jump: true, moved: true},
		{name: "chain and jump deleted", restore: "-D" + jump[2:] + "\n-F IP-MASQ\n-X IP-MASQ", chain: true, jump: true, moved: true},
		{name: "jump deleted, chain flushed", restore: "-D" + jump[2:] + "\n-F IP-MASQ", chain: true, jump: true, moved: true},
		{name: "jump doubled", restore: jump, jump: true},
		{name: "jump with another comment besides", restore: "-A POSTROUTING -m comment --comment \"\\\"with quotes\\\"\" -m addrtype ! --dst-type LOCAL -j IP-MASQ", jump: true},
		{name: "all of it", restore: jump + "\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n" + jump + "\n-F IP-MASQ", chain: true, jump: true},
	}
	for _, d := range drifts {
		t.Run(d.name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				c := wanted(family)
				netns.Restore(t, backend, family, others)
				apply(t, backend, family, c, true, true)
				netns.Restore(t, backend, family, "*nat\n-A POSTROUTING -m comment --comment after -j RETURN\nCOMMIT\n")
				before := netns.Save(t, backend, family)
				restore := d.restore
				if family == "IPv6" {
					restore = strings.ReplaceAll(restore, "10.0.0.0/8", "fd00::/8")
				}
				netns.Restore(t, backend, family, "*nat\n"+restore+"\nCOMMIT\n")
				apply(t, backend, family, c, d.chain, d.jump)
				after := netns.Save(t, backend, family)
				if d.moved { // to the end, which is where a new jump goes
					before, after = sorted(before), sorted(after)
				}
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("table before the drift and after the repair (-before +after):\n%s", diff)
				}
				apply(t, backend, family, c, false, false)
			})
		})
	}
}

func sorted(dump string) string {
	lines := strings.Split(dump, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestFailingRestoreChangesNothing gives the kernel a chain that it rejects.
func TestFailingRestoreChangesNothing(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, others)
		good := wanted(family)
		apply(t, backend, family, good, true, true)
		before := netns.Save(t, backend, family)

		bad := wanted(family)
		bad.Rules[3].Target = "NO-SUCH-CHAIN"
		_, err := NewNAT(familyOf(family), Backend(backend)).Apply(t.Context(), bad)
		if err == nil {
			t.Fatal("a jump to a chain that does not exist was accepted")
		}
		for _, part := range []string{"restoring " + family + " rules", netns.Command(backend, family, "restore"), "line"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
		if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}

func TestHasRules(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := NewNAT(familyOf(family), Backend(backend))
		for _, step := range []struct {
			restore string
			want    bool
		}{
			{":OTHER - [0:0]", false},
			{":IP-MASQ - [0:0]", false},
			{"-A IP-MASQ -m mark --mark 1 -j RETURN", true},
		} {
			netns.Restore(t, backend, family, "*nat\n"+step.restore+"\nCOMMIT\n")
			got, err := n.HasRules(t.Context(), "IP-MASQ")
			if err != nil || got != step.want {
				t.Errorf("after %q: HasRules = %v, %v, want %v", step.restore, got, err, step.want)
			}
		}
	})
}

// TestTrafficSurvivesRewrites counts packets whose counters a rewrite zeroes.
func TestTrafficSurvivesRewrites(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		connect := outside(t, family)
		n, c := NewNAT(familyOf(family), Backend(backend)), wanted(family)
		c.Rules = c.Rules[len(c.Rules)-1:] // masquerade everything
		count := func(kept, masqueraded uint64) {
			t.Helper()
			report, err := n.Apply(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got := [2]uint64{report.Traffic.Kept.Packets, report.Traffic.Masqueraded.Packets}
			if got != [2]uint64{kept, masqueraded} || report.Traffic.Masqueraded.Bytes < masqueraded {
				t.Errorf("counted %+v, want %d packets kept and %d masqueraded", report.Traffic, kept, masqueraded)
			}
		}
		count(0, 0)
		connect(7)
		count(0, 7)
		count(0, 7)
		c.Rules = append([]Rule{{Comment: "everything", Target: Return}}, c.Rules...)
		connect(2)
		count(0, 9) // reads, and rewrites
		connect(3)
		count(3, 9)

		connect(4) // and without an Apply, if the backend can
		kept := map[string]uint64{"iptables-nft": 7, "iptables-legacy": 3}[backend]
		got, err := n.Traffic()
		if err != nil || got.Kept.Packets != kept || got.Masqueraded.Packets != 9 || got.Kept.Bytes < kept {
			t.Errorf("Traffic() = %+v, %v, want %d packets kept and 9 masqueraded", got, err, kept)
		}
	})
}

// outside makes a host behind a wire, and returns what sends the first packets
// of n connections there.
func outside(t *testing.T, family string) func(n int) {
	t.Helper()
	here, there := netns.Here(t), netns.New(t)
	netns.Connect(t, here, "eth0", there, "eth0")
	here.Address(t, "eth0", "10.99.0.1/24", "fd99::1/64")
	there.Address(t, "eth0", "10.99.0.2/24", "fd99::2/64")
	address := map[string]string{"IPv4": "10.99.0.2", "IPv6": "fd99::2"}[family]
	port := 20000 // each connection has its own, or it would be no new one
	return func(n int) {
		t.Helper()
		for range n {
			port++
			c, err := net.DialUDP("udp", &net.UDPAddr{Port: port}, &net.UDPAddr{IP: net.ParseIP(address), Port: 9})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
	}
}
