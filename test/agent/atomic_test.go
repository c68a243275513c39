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

// A packet sees all of the old rules or all of the new: a program that dumps the
// rules at any moment sees all of them or none, and never a jump to none.
func TestEveryMomentIsComplete(t *testing.T) {
	eachNode(t, func(n *node) {
		drifted := []string{"-N IP-MASQ", keep(n.pick("192.0.2.0/24", "2001:db8:2::/64")), last}
		// Each of these is one commit, so what is incomplete is the agent's.
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
		for range 3 { // a cold start each
			p := n.startRight(n.oneRange(), n.oneRangeChain())
			edit(n.threeRanges(), n.threeRangesChain())
			edit(n.oneRange(), n.oneRangeChain())
			p.Stop(terminate)
			n.commit(remove...)
		}
	})
}

// driftedTable are commands that make the agent's table masquerade all but one
// range: the elements that are there are replaced.
func (n *node) driftedTable() []string {
	table := n.pick("ip", "ip6") + " " + rules.Table
	return []string{"flush map " + table + " destinations",
		"add element " + table + " destinations { " + n.pick("192.0.2.0/24", "2001:db8:2::/64") + " : goto kept }"}
}

// watcher dumps the rules again and again.
type watcher struct {
	stop  atomic.Bool
	done  chan struct{}
	dumps int
	wrong []string // valid, as dumps is, after done
}

func (n *node) watch(complete ...[]string) *watcher {
	var allowed []string
	for _, chain := range complete {
		allowed = append(allowed, strings.Join(chain[1:], "\n"))
	}
	command := []string{netns.Command(n.backend, n.family, "save"), "-t", "nat"}
	incomplete := func(dump string) string { return incomplete(dump, allowed) }
	if n.nftables() {
		command = []string{"nft", "-j", "list", "ruleset", n.pick("ip", "ip6")}
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
			w.dumps++
			if wrong := incomplete(dump); wrong != "" {
				w.wrong = append(w.wrong, wrong+":\n"+dump)
			}
		}
	}()
	return w
}

// end says what the watcher saw.
func (w *watcher) end(t testing.TB) {
	t.Helper()
	w.stop.Store(true)
	<-w.done
	t.Logf("looked %d times", w.dumps)
	if w.dumps < 50 {
		t.Errorf("the watcher looked only %d times", w.dumps)
	}
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
}

// dump runs iptables-save or nft once. Legacy reads its table in one system call.
// iptables-nft and nft read chains and rules one after the other, and what they
// print is a moment of the table only if no commit came between.
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

// incomplete says what is wrong with the agent's rules in a dump, if anything.
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
		return fmt.Sprintf("a chain that is not complete, and %d jumps to it", jumps)
	}
	return ""
}

// incompleteTable says what is wrong with the agent's table in a dump, if
// anything. The test deletes the base chain, never the agent.
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
	return "a table that is not complete: " + strings.Join(all, ", or ")
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
		{"neither", table(":POSTROUTING ACCEPT [0:0]"), true},
		{"complete", table(":IP-MASQ - [0:0]", jump, one), true},
		{"another complete", table(":IP-MASQ - [0:0]", jump, two), true},
		{"complete without a jump", table(":IP-MASQ - [0:0]", one), true},
		{"no chain", table(jump), false},
		{"empty", table(":IP-MASQ - [0:0]", jump), false},
		{"empty without a jump", table(":IP-MASQ - [0:0]"), false},
		{"half", table(":IP-MASQ - [0:0]", jump, keep("10.0.0.0/8")), false},
		{"both", table(":IP-MASQ - [0:0]", jump, one, two), false},
		{"two jumps", table(":IP-MASQ - [0:0]", jump, jump, one), false},
	}
	for _, tt := range tests {
		if got := incomplete(tt.dump, []string{one, two}); (got == "") != tt.ok {
			t.Errorf("%s: incomplete says %q", tt.name, got)
		}
	}
}
