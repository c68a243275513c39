// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// agentBackends are the values of --backend that are tested.
var agentBackends = []string{"auto", "auto", "iptables-nft", "iptables-legacy", "nftables"}

// groups is the number of testbeds. Each is built once. They run in parallel.
const groups = 4

// TestAnswersAgreeWithPackets is described in the package comment.
func TestAnswersAgreeWithPackets(t *testing.T) {
	for g := range uint64(groups) {
		t.Run(fmt.Sprintf("group %d", g), func(t *testing.T) {
			netns.Require(t, "nft", "iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
			netns.Run(t, func(t *testing.T) {
				w := newTestbed(t)
				var total tally
				for seed := *firstSeed + g; seed < *firstSeed+*seeds; seed += groups {
					t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { total.add(try(t, w, seed)) })
				}
				t.Log(total)
				if known := total.right + total.wrong; total.questions >= 50 && known*100 < total.questions*70 {
					t.Errorf("explain knows fewer than 70 %% of the answers: %v", total)
				}
			})
		})
	}
}

// try tests the rule set of a seed. It reports a failure with a smaller rule
// set that causes the same failure, if there is one.
func try(t *testing.T, w *testbed, seed uint64) tally {
	t.Helper()
	rules, g := generate(seed)
	r := trial{w: w, rules: rules}
	for _, n := range g.nets("inet") {
		sources := []netip.Addr{n.pods[0], n.pods[1+g.IntN(2)]}
		// Without a source explain assumes a pod of sourceCIDRs, not any pod.
		if !strings.Contains(rules.config, "sourceCIDRs") {
			sources = append(sources, netip.Addr{})
		}
		for i, source := range sources {
			for range 3 - i {
				q := question{net: n, source: source, destination: g.destination(n)}
				if !slices.ContainsFunc(r.questions, q.same) {
					r.questions = append(r.questions, q)
				}
			}
		}
	}
	r.run(t)
	if *verbose {
		t.Logf("%v\n%s%s", r.tally, r.rules, questions(r.questions))
	}
	if len(r.failures) > 0 {
		small := shrink(t, r)
		t.Errorf("repeat with: go test ./test/packets -first %d -seeds 1\n%s\nThese rules are enough for the first of %d failures:\n%s\nAll rules of the seed:\n%s",
			seed, strings.Join(small.failures, "\n"), len(r.failures), small.rules, r.rules)
	}
	return r.tally
}

func questions(list []question) string {
	var b strings.Builder
	for _, q := range list {
		fmt.Fprintln(&b, q)
	}
	return b.String()
}

// shrink removes everything that the first failure does not need: all questions
// except its own, and then one rule after the other.
func shrink(t *testing.T, r trial) trial {
	t.Helper()
	if !*smaller {
		return r
	}
	r.w.patience = shortPatience
	defer func() { r.w.patience = patience }()
	if i := slices.IndexFunc(r.questions, func(q question) bool { return q.wrong() != "" }); i >= 0 {
		smaller := trial{w: r.w, rules: r.rules, questions: []question{r.questions[i]}}
		if smaller.run(t); len(smaller.failures) == 0 {
			return r // depends on the other questions or on chance
		}
		r = smaller
	}
	for i := len(r.rules.commands) - 1; i >= 0; i-- {
		if !r.rules.commands[i].rule {
			continue
		}
		smaller := trial{w: r.w, rules: r.rules, questions: slices.Clone(r.questions)}
		smaller.rules.commands = slices.Delete(slices.Clone(r.rules.commands), i, i+1)
		if i < r.rules.afterStart {
			smaller.rules.afterStart--
		}
		if smaller.run(t); len(smaller.failures) > 0 {
			r = smaller
		}
	}
	return r
}
