// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
)

// rightTable is a table of the agent. rightChain is the chain that does the
// same.
const rightTable = `table ip ip-masq-agent {
	map destinations {
		type ipv4_addr : verdict
		flags interval
	}
	chain kept {
		counter accept
	}
	chain ports0 {
		meta l4proto { tcp, udp, sctp } masquerade to :2001-3000 fully-random
	}
	chain ports1 {
		meta l4proto { tcp, udp, sctp } masquerade to :4001 fully-random
	}
	chain masq {
		counter
		meta l4proto { tcp, udp, sctp } numgen random mod 1001 vmap { 0-999 : jump ports0, 1000 : jump ports1 }
		masquerade fully-random
	}
	chain postrouting {
		type nat hook postrouting priority srcnat + 5; policy accept;
		fib daddr type local accept
		ip daddr vmap @destinations
		goto masq
	}
}
add element ip ip-masq-agent destinations { 169.254.0.0/16 : goto kept, 10.0.0.0-10.8.255.255 : goto kept, 10.9.0.0/16 : goto masq, 10.10.0.0-10.255.255.255 : goto kept, 192.0.2.7 : goto kept }
`

func rightChain() []string {
	var lines []string
	masquerade := func(destination string) {
		for _, protocol := range []string{"tcp", "udp", "sctp"} {
			lines = append(lines, "-A IP-MASQ"+destination+" -p "+protocol+" -m statistic --mode random --probability 0.99900099914 -j MASQUERADE --to-ports 2001-3000 --random-fully",
				"-A IP-MASQ"+destination+" -p "+protocol+" -j MASQUERADE --to-ports 4001 --random-fully")
		}
		lines = append(lines, "-A IP-MASQ"+destination+` -m comment --comment "a comment with -j ACCEPT in it" -j MASQUERADE --random-fully`)
	}
	lines = append(lines, "-N IP-MASQ", "-A IP-MASQ -d 169.254.0.0/16 -j RETURN", "-A IP-MASQ -d 192.0.2.7/32 -j RETURN")
	masquerade(" -d 10.9.0.0/16")
	lines = append(lines, "-A IP-MASQ -d 10.0.0.0/8 -j RETURN")
	masquerade("")
	return lines
}

// TestDiffer makes one change at a time to the table and expects a difference.
func TestDiffer(t *testing.T) {
	const name = "ip ip-masq-agent"
	tables := map[string]struct{ script, want string }{
		"right":                {"", ""},
		"no table":             {"delete table " + name, "there is no table"},
		"dormant":              {"add table " + name + " { flags dormant; }", "flags dormant"},
		"no base chain":        {"flush chain " + name + " postrouting; delete chain " + name + " postrouting", "no base chain"},
		"two base chains":      {"add chain " + name + " other { type nat hook postrouting priority 99; }", "two base chains"},
		"policy":               {"add chain " + name + " postrouting { policy drop; }", "policy drop"},
		"priority":             {"flush chain " + name + " postrouting; delete chain " + name + " postrouting; add chain " + name + " postrouting { type nat hook postrouting priority 100; }; add rule " + name + " postrouting goto masq", "priority 100"},
		"no rules":             {"flush table " + name, "nothing refers to"},
		"local masqueraded":    {"flush chain " + name + " postrouting; add rule " + name + " postrouting ip daddr vmap @destinations; add rule " + name + " postrouting goto masq", "(local: true): want map[kept:1]"},
		"range missing":        {"delete element " + name + " destinations { 192.0.2.7 }", "tcp from 203.0.113.254 to 192.0.2.7"},
		"range too large":      {"add element " + name + " destinations { 192.0.2.8 : goto kept }", "to 192.0.2.8"},
		"unknown range":        {"add element " + name + " destinations { 8.8.8.8 : goto kept }", "to 8.8.8.8"},
		"verdict":              {"delete element " + name + " destinations { 192.0.2.7 }; add element " + name + " destinations { 192.0.2.7 : goto masq }", "to 192.0.2.7"},
		"verdict drop":         {"delete element " + name + " destinations { 192.0.2.7 }; add element " + name + " destinations { 192.0.2.7 : drop }", "drop"},
		"accepted before":      {"insert rule " + name + " postrouting accept", "got map[kept:1]"},
		"protocol":             {"insert rule " + name + " masq meta l4proto sctp accept", "sctp from"},
		"not fully random":     {"flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp, sctp } masquerade to :2001-3000", "got map"},
		"random":               {"flush chain " + name + " ports0; add rule " + name + " ports0 meta l4proto { tcp, udp, sctp } masquerade to :2001-3000 random", "flags random"},
		"ports":                {"flush chain " + name + " ports1; add rule " + name + " ports1 meta l4proto { tcp, udp, sctp } masquerade to :4002 fully-random", "to ports 4002"},
		"foreign chain":        {"add chain " + name + " other", "nothing refers to chain other"},
		"foreign set":          {"add set " + name + " other { type ipv4_addr; }", "nothing refers to set other"},
		"foreign counter":      {"add counter " + name + " other", "counter"},
		"foreign match":        {"insert rule " + name + " masq meta mark 1 accept", "not understood"},
		"shares":               {"flush chain " + name + " masq; add rule " + name + " masq meta l4proto { tcp, udp, sctp } numgen random mod 1000 vmap { 0-998 : jump ports0, 999 : jump ports1 }; add rule " + name + " masq masquerade fully-random", "want map"},
		"remaining share":      {"flush chain " + name + " masq; add rule " + name + " masq meta l4proto { tcp, udp, sctp } numgen random mod 1001 vmap { 0-999 : jump ports0, 1000 : goto ports1 }; add rule " + name + " masq masquerade", "want map"},
		"does the same, split": {"delete element " + name + " destinations { 169.254.0.0/16 }; add element " + name + " destinations { 169.254.0.0/17 : goto kept, 169.254.128.0/17 : goto kept }", ""},
	}
	for what, tt := range tables {
		t.Run(what, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				netns.NFT(t, "table ip ip-masq-agent {\n\tchain kept { }\n\tchain masq { }\n}\n"+rightTable)
				netns.NFT(t, strings.ReplaceAll(tt.script, "; add ", "\nadd ")+"\n")
				got := New(netns.NFTables, "IPv4").Differ(t, rightChain())
				if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
					t.Errorf("Differ() = %s, want something with %q", got, tt.want)
				}
			})
		})
	}
}

func TestOutcomesOfAChain(t *testing.T) {
	chain, err := parseChain(rightChain())
	if err != nil {
		t.Fatal(err)
	}
	const small, large, plain = "masqueraded to ports 4001, fully random", "masqueraded to ports 2001-3000, fully random", "masqueraded, fully random"
	tests := []struct {
		destination, protocol string
		local                 bool
		want                  outcomes
	}{
		{"10.0.0.1", "tcp", false, outcomes{kept: 1}},
		{"10.9.0.1", "tcp", false, outcomes{large: 1000. / 1001, small: 1. / 1001}},
		{"10.9.0.1", "icmp", false, outcomes{plain: 1}},
		{"203.0.113.1", "sctp", false, outcomes{large: 1000. / 1001, small: 1. / 1001}},
		{"203.0.113.1", "sctp", true, outcomes{kept: 1}},
	}
	for _, tt := range tests {
		got := outcomesOf(chain, packet{destination: netip.MustParseAddr(tt.destination), protocol: tt.protocol, local: tt.local})
		if !tt.want.equal(got) {
			t.Errorf("%s to %s: %v", tt.protocol, tt.destination, cmp.Diff(tt.want, got))
		}
	}
	for _, wrong := range []string{"-A IP-MASQ -j ACCEPT", "-A IP-MASQ -o eth0 -j RETURN", "-A IP-MASQ -d 10.0.0.1 -j RETURN", "-A IP-MASQ", "-A IP-MASQ -j"} {
		if _, err := parseChain([]string{wrong}); err == nil {
			t.Errorf("%s: no error", wrong)
		}
	}
}

// TestComplete deletes the base chain, after which the table is still complete,
// and then other parts.
func TestComplete(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		const name = "ip ip-masq-agent"
		netns.NFT(t, "table ip ip-masq-agent {\n\tchain kept { }\n\tchain masq { }\n}\n"+rightTable)
		for _, step := range []struct {
			script   string
			complete bool
		}{
			{"", true},
			{"flush chain " + name + " postrouting\ndelete chain " + name + " postrouting\n", true},
			{"delete element " + name + " destinations { 192.0.2.7 }\n", false},
			{"add element " + name + " destinations { 192.0.2.7 : goto kept }\n", true},
			{"flush chain " + name + " masq\n", false},
			{"flush table " + name + "\n", false},
		} {
			netns.NFT(t, step.script)
			got := Complete(netns.ListNFT(t, "-j", "list", "table", "ip", Table), "IPv4", rightChain())
			if (got == "") != step.complete {
				t.Errorf("after %q: Complete() = %q", step.script, got)
			}
		}
	})
}

// sourcesTable is a table of the agent with sourceCIDRs. sourcesChain is the
// chain that does the same.
const (
	sourcesTable = `table ip ip-masq-agent {
	set sources {
		type ipv4_addr
		flags interval
		elements = { 10.244.0.0/16, 192.0.2.1 }
	}
	map destinations {
		type ipv4_addr : verdict
		flags interval
		elements = { 10.0.0.0/8 : goto kept }
	}
	chain kept {
		counter accept
	}
	chain masq {
		counter
		masquerade
	}
	chain postrouting {
		type nat hook postrouting priority srcnat + 5; policy accept;
		fib daddr type local accept
		ip saddr != @sources goto kept
		ip daddr vmap @destinations
		goto masq
	}
}
`
	sourcesChain = `-A IP-MASQ -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -s 10.244.0.0/16 -j MASQUERADE
-A IP-MASQ -s 192.0.2.1/32 -j MASQUERADE`
)

// TestSources makes one change at a time to the sources of the table.
func TestSources(t *testing.T) {
	const name = "ip ip-masq-agent"
	for what, tt := range map[string]struct{ script, want string }{
		"right":                    {"", ""},
		"missing source":           {"delete element " + name + " sources { 192.0.2.1 }", "from 192.0.2.1"},
		"additional source":        {"add element " + name + " sources { 192.0.2.2 }", "from 192.0.2.2"},
		"missing rule":             {"flush chain " + name + " postrouting; add rule " + name + " postrouting fib daddr type local accept; add rule " + name + " postrouting ip daddr vmap @destinations; add rule " + name + " postrouting goto masq", "nothing refers to set sources"},
		"masqueraded, not the set": {"insert rule " + name + " postrouting ip saddr @sources goto kept", "want map[masqueraded:1]"},
	} {
		t.Run(what, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				netns.NFT(t, "table ip ip-masq-agent {\n\tchain kept { }\n\tchain masq { }\n}\n"+sourcesTable)
				netns.NFT(t, strings.ReplaceAll(tt.script, "; add ", "\nadd ")+"\n")
				got := New(netns.NFTables, "IPv4").Differ(t, strings.Split(sourcesChain, "\n"))
				if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
					t.Errorf("Differ() = %s, want something with %q", got, tt.want)
				}
				netns.NFT(t, "flush chain "+name+" postrouting\ndelete chain "+name+" postrouting\n")
				got = Complete(netns.ListNFT(t, "-j", "list", "table", "ip", Table), "IPv4", strings.Split(sourcesChain, "\n"))
				if elements := strings.HasSuffix(what, " source"); (got != "") != elements {
					t.Errorf("Complete() without the base chain = %q", got)
				}
			})
		})
	}
}
