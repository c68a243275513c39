// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain_test

import (
	"math/rand/v2"
	"testing"

	"ip-masq-agent/pkg/explain"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestPackets compares the answers by the file and by the kernel with real packets,
// for random configurations and destinations. With every third configuration there is
// a rule of another program, which the file does not know.
func TestPackets(t *testing.T) {
	const rounds, each = 8, 8
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		random := rand.New(rand.NewPCG(5, 6)) // the same each time
		w := newWorld(t, family)
		seen := map[netfilter.Fate]int{}
		options := masq.Options{ChainName: "IP-MASQ", RandomFully: true}
		nat := iptables.NewNAT(w.family, iptables.Backend(backend))
		for round := range rounds {
			c := w.randomConfig(random)
			chain := options.Chain(w.family, c)
			if _, err := nat.Apply(t.Context(), chain); err != nil {
				t.Fatal(err)
			}
			foreign := round%3 == 2
			if foreign {
				netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-s", w.pod.String(), "!", "-d", w.prefix(random).String(), "-j", "MASQUERADE")
			}
			for range each {
				dst := w.destinations[random.IntN(len(w.destinations))]
				q := w.question(t, dst)
				live := w.live(t, q)
				real := w.connect(t, dst)
				if live.Verdict != real {
					t.Fatalf("%s: the kernel's rules say %s, the packet %s; %+v\n%s", dst, live.Verdict, real, live, netns.Save(t, backend, family))
				}
				if file := explain.ByFile(q, explain.Policy{From: "file", Chain: "IP-MASQ", Rules: chain.Rules}); !foreign && file.Verdict != real {
					t.Fatalf("%s: the file says %s, the packet %s; %+v", dst, file.Verdict, real, c)
				}
				seen[real]++
			}
			netns.IPTables(t, backend, family, "-F", "POSTROUTING")
		}
		if seen[netfilter.Kept] < 10 || seen[netfilter.Masqueraded] < 10 {
			t.Errorf("the packets were one-sided: %v", seen)
		}
	})
}
