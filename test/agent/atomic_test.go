// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// TestEveryMomentIsComplete checks that a packet sees all of the old rules or
// all of the new ones: a program that dumps the rules again and again sees
// complete rules or none, and never a jump to a missing or incomplete chain.
func TestEveryMomentIsComplete(t *testing.T) {
	eachNode(t, func(n *node) {
		drifted := []string{"-N IP-MASQ", returnRule(n.byFamily("192.0.2.0/24", "2001:db8:2::/64")), last}
		// Each of these is one commit, so only the agent could cause an
		// incomplete state.
		remove, unhook := n.rules.Remove(), n.rules.Unhook()
		drift := slices.Concat([]string{":IP-MASQ - [0:0]"}, drifted[1:])
		if n.nftables() {
			drift = n.driftedTable()
		}
		w := n.watch(n.oneRangeChain(), n.threeRangesChain(), drifted)
		defer w.end(n.t)

		edit := func(config string, want []string) {
			n.t.Helper()
			n.config.write(n.t, config)
			n.wait(want)
			for _, lines := range [][]string{remove, drift, unhook, drift, remove} {
				n.commit(lines...)
				n.wait(want)
			}
		}
		for round := 0; round < 3 || !w.enough() && round < 12; round++ { // each time from a cold start
			p := n.startRight(n.oneRange(), n.oneRangeChain())
			edit(n.threeRanges(), n.threeRangesChain())
			edit(n.oneRange(), n.oneRangeChain())
			p.Stop(terminate)
			n.commit(remove...)
		}
	})
}

// driftedTable returns nft commands that replace the elements of the agent's
// map, so that the table masquerades everything except one CIDR.
func (n *node) driftedTable() []string {
	table := n.byFamily("ip", "ip6") + " " + rules.Table
	return []string{"flush map " + table + " destinations",
		"add element " + table + " destinations { " + n.byFamily("192.0.2.0/24", "2001:db8:2::/64") + " : goto kept }"}
}

// watcher dumps the rules in a loop and checks each dump.
type watcher struct {
	stop  atomic.Bool
	done  chan struct{}
	dumps atomic.Int64
	wrong []string // read it only after done is closed
}

func (n *node) watch(complete ...[]string) *watcher {
	var allowed []string
	for _, chain := range complete {
		allowed = append(allowed, strings.Join(chain[1:], "\n"))
	}
	command := []string{netns.Command(n.backend, n.family, "save"), "-t", "nat"}
	incomplete := func(dump string) string { return incomplete(dump, allowed) }
	if n.nftables() {
		command = []string{"nft", "-j", "list", "ruleset", n.byFamily("ip", "ip6")}
		incomplete = func(dump string) string { return incompleteTable(dump, n.family, complete) }
	}
	w := &watcher{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for !w.stop.Load() && len(w.wrong) < 3 {
			dump, consistent, err := dump(command)
			if err != nil {
				w.wrong = append(w.wrong, err.Error())
				continue
			}
			if !consistent {
				continue
			}
			w.dumps.Add(1)
			if wrong := incomplete(dump); wrong != "" {
				w.wrong = append(w.wrong, wrong+":\n"+dump)
			}
		}
	}()
	return w
}

// minDumps is the number of dumps that a test needs to be worth anything.
const minDumps = 50

// enough reports whether the watcher has made enough dumps. On a busy machine a test
// has to change the rules more often for that.
func (w *watcher) enough() bool { return w.dumps.Load() >= minDumps }

// end stops the watcher and reports what it found.
func (w *watcher) end(t testing.TB) {
	t.Helper()
	w.stop.Store(true)
	<-w.done
	t.Logf("checked %d dumps", w.dumps.Load())
	if !w.enough() {
		t.Errorf("the watcher checked only %d dumps, want at least %d", w.dumps.Load(), minDumps)
	}
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
}

// dump runs iptables-save or nft once. iptables-legacy-save reads the table
// with one system call. iptables-nft-save and nft read chains and rules one
// after the other, so their output is consistent only if there was no commit in
// between.
func dump(command []string) (rules string, consistent bool, err error) {
	before, err := netns.ReadGeneration()
	if err != nil {
		return "", false, err
	}
	rules, err = netns.Output(command[0], command[1:]...)
	if err != nil {
		return "", false, err
	}
	after, err := netns.ReadGeneration()
	return rules, before == after, err
}

// incomplete describes what is wrong with the agent's rules in a dump, or
// returns "".
func incomplete(dump string, allowed []string) string {
	var chain []string
	exists, jumps := false, 0
	for line := range strings.Lines(dump) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, ":IP-MASQ "):
			exists = true
		case strings.HasPrefix(line, "-A IP-MASQ "):
			chain = append(chain, line)
		case strings.HasSuffix(line, " -j IP-MASQ"):
			jumps++
		}
	}
	if jumps > 1 {
		return fmt.Sprintf("%d jumps", jumps)
	}
	if (exists || jumps > 0) && !slices.Contains(allowed, strings.Join(chain, "\n")) {
		return fmt.Sprintf("an incomplete chain, and %d jumps to it", jumps)
	}
	return ""
}

// incompleteTable describes what is wrong with the agent's table in a dump, or
// returns "". A missing base chain is not an error, because the test deletes it
// and the agent never does.
func incompleteTable(dump, family string, allowed [][]string) string {
	if !strings.Contains(dump, `{"table": `) {
		return ""
	}
	var all []string
	for _, chain := range allowed {
		differ := rules.Complete(dump, family, chain)
		if differ == "" {
			return ""
		}
		all = append(all, differ)
	}
	return "an incomplete table: " + strings.Join(all, ", or ")
}

func TestIncomplete(t *testing.T) {
	one := strings.Join(chain("10.0.0.0/8")[1:], "\n")
	two := strings.Join(chain("10.0.0.0/8", "192.0.2.0/24")[1:], "\n")
	table := func(lines ...string) string { return "*nat\n" + strings.Join(lines, "\n") + "\nCOMMIT\n" }
	tests := []struct {
		name string
		dump string
		ok   bool
	}{
		{"no chain and no jump", table(":POSTROUTING ACCEPT [0:0]"), true},
		{"complete", table(":IP-MASQ - [0:0]", jump, one), true},
		{"another complete", table(":IP-MASQ - [0:0]", jump, two), true},
		{"complete without a jump", table(":IP-MASQ - [0:0]", one), true},
		{"no chain", table(jump), false},
		{"empty", table(":IP-MASQ - [0:0]", jump), false},
		{"empty without a jump", table(":IP-MASQ - [0:0]"), false},
		{"half", table(":IP-MASQ - [0:0]", jump, returnRule("10.0.0.0/8")), false},
		{"both", table(":IP-MASQ - [0:0]", jump, one, two), false},
		{"two jumps", table(":IP-MASQ - [0:0]", jump, jump, one), false},
	}
	for _, tt := range tests {
		if got := incomplete(tt.dump, []string{one, two}); (got == "") != tt.ok {
			t.Errorf("%s: incomplete() = %q", tt.name, got)
		}
	}
}
