// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestConcurrentCommits reads while another program commits 50 times. Each of
// its commits replaces all rules of two chains and all elements of a map by ones
// of the same number; a reading has that number everywhere.
func TestConcurrentCommits(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		const commits, rules = 50, 100
		ruleset := func(n int) string {
			var b strings.Builder
			b.WriteString("table ip t\ndelete table ip t\n")
			b.WriteString("table ip t {\nmap m { type ipv4_addr : verdict; flags interval; elements = { ")
			for i := range rules {
				fmt.Fprintf(&b, "10.%d.0.0-10.%d.0.%d : accept, ", i, i, n)
			}
			b.WriteString("}; }\nchain a { ")
			for range rules {
				fmt.Fprintf(&b, "ip daddr 192.0.2.%d return comment \"%d\"; ", n, n)
			}
			b.WriteString("}\nchain p { type nat hook postrouting priority 100; jump a; ")
			for range rules {
				fmt.Fprintf(&b, "ip daddr 192.0.2.%d return comment \"%d\"; ", n, n)
			}
			b.WriteString("ip daddr vmap @m; }\n}\n")
			return b.String()
		}
		nft(t, ruleset(0))
		done := make(chan error, 1)
		go func() {
			for n := range commits {
				cmd := exec.Command("nft", "-f", "-")
				cmd.Stdin = strings.NewReader(ruleset(n + 1))
				if out, err := cmd.CombinedOutput(); err != nil {
					done <- fmt.Errorf("%w: %s", err, out)
					return
				}
			}
			done <- nil
		}()
		c := open(t)
		readings, last := 0, -1
		for finished := false; !finished; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				finished = true
			default:
			}
			rs, err := c.Postrouting()
			if errors.Is(err, ErrChanging) && !finished {
				continue // on a machine that is slow enough
			}
			if err != nil {
				t.Fatal(err)
			}
			last = numberOf(t, rs, rules)
			readings++
		}
		if last != commits {
			t.Errorf("the last reading has number %d", last)
		}
		t.Logf("%d readings", readings)
	})
}

// numberOf returns the number that every rule and element has.
func numberOf(t *testing.T, rs netfilter.Ruleset, rules int) int {
	t.Helper()
	if len(rs.Tables) != 1 || len(rs.Tables[0].Chains) != 2 {
		t.Fatalf("not the rule set: %+v", rs)
	}
	a, p := rs.Tables[0].Chains["a"].Rules, rs.Tables[0].Chains["p"].Rules
	if len(a) != rules || len(p) != rules+2 {
		t.Fatalf("%d and %d rules", len(a), len(p))
	}
	elements := p[rules+1].Steps[0].(netfilter.VerdictMap).Elements
	if len(elements) != rules {
		t.Fatalf("%d elements", len(elements))
	}
	for i := range rules {
		if a[i].Comment != a[0].Comment || p[i+1].Comment != a[0].Comment || fmt.Sprint(elements[i].Key[0].To[3]) != a[0].Comment {
			t.Fatalf("rule %d: %s, %s and %v beside %s", i, a[i].Comment, p[i+1].Comment, elements[i].Key[0].To, a[0].Comment)
		}
	}
	n := 0
	fmt.Sscan(a[0].Comment, &n)
	return n
}
