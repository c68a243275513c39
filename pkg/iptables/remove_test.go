// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

func TestPlanRemoval(t *testing.T) {
	const deletePageJump = "-D POSTROUTING -m comment --comment \"jump\" -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"

	tests := []struct {
		name             string
		own, postrouting string
		want             Removal
	}{
		{name: "nothing there", postrouting: "-P POSTROUTING ACCEPT\n" + foreign},
		{name: "chain alone", own: "-N IP-MASQ\n", postrouting: foreign,
			want: Removal{Chain: true, Command: "iptables-legacy-restore --noflush", Input: "*nat\n:IP-MASQ - [0:0]\n-X IP-MASQ\nCOMMIT\n"}},
		{
			name: "every way to go there", own: "-N IP-MASQ\n-A IP-MASQ -j RETURN\n",
			postrouting: pageJump + foreign + "-A POSTROUTING -s 10.0.0.0/8 -g IP-MASQ\n" + pageJump + "-A POSTROUTING -j IP-MASQ-AGENT\n" +
				"-A POSTROUTING -m comment --comment \"-j IP-MASQ\" -j KUBE-POSTROUTING\n",
			want: Removal{
				Chain: true, Command: "iptables-legacy-restore --noflush",
				Rules: []string{"-A IP-MASQ -j RETURN"},
				Jumps: []string{strings.TrimSpace(pageJump), "-A POSTROUTING -s 10.0.0.0/8 -g IP-MASQ", strings.TrimSpace(pageJump)},
				Input: "*nat\n:IP-MASQ - [0:0]\n" + deletePageJump + "-D POSTROUTING -s 10.0.0.0/8 -g IP-MASQ\n" + deletePageJump + "-X IP-MASQ\nCOMMIT\n",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewNAT(netfilter.IPv4, Legacy).planRemoval(state{chain: parseChain("IP-MASQ", tt.own), postrouting: parseChain(postrouting, tt.postrouting)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRemove applies and removes, with others' rules around that stay as they
// are to the byte.
func TestRemove(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		netns.Restore(t, backend, family, others)
		before := netns.Save(t, backend, family)
		apply(t, backend, family, wanted(family), true, true)
		// The ways that others may go there.
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-g", "IP-MASQ")
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-m", "comment", "--comment", "bell \a and \x1b[1m", "-j", "IP-MASQ")
		netns.IPTables(t, backend, family, "-A", "POSTROUTING", "-m", "string", "--algo", "bm", "--string", "a b", "-j", "IP-MASQ")
		netns.IPTables(t, backend, family, "-I", "POSTROUTING", "-m", "comment", "--comment", `it's "quoted" \`, "-p", "tcp", "-m", "tcp", "--dport", "80", "-j", "IP-MASQ")
		filled := netns.Save(t, backend, family)
		nat := NewNAT(familyOf(family), Backend(backend))

		dry, err := nat.Remove(t.Context(), "IP-MASQ", true)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(filled, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("a dry run changed the table (-before +after):\n%s", diff)
		}
		generation := netns.Generation(t)
		got, err := nat.Remove(t.Context(), "IP-MASQ", false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(dry, got); diff != "" {
			t.Errorf("removed something else than the dry run said (-dry +real):\n%s", diff)
		}
		if !got.Chain || len(got.Rules) != len(wanted(family).Rules) || len(got.Jumps) != 5 {
			t.Errorf("removed %+v", got)
		}
		if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("the table is not as it was before the agent (-before +after):\n%s", diff)
		}
		if commits := netns.Generation(t) - generation; backend == "iptables-nft" && commits != 1 {
			t.Errorf("the removal took %d commits", commits)
		}
		generation = netns.Generation(t)
		again, err := nat.Remove(t.Context(), "IP-MASQ", false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Removal{}, again); diff != "" {
			t.Errorf("the second run removed something (-want +got):\n%s", diff)
		}
		if netns.Generation(t) != generation {
			t.Error("the second run wrote")
		}
	})
}

// TestRemoveStillUsed: if a rule of another program's chain goes to the chain,
// nothing is removed, and the error says why.
func TestRemoveStillUsed(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		apply(t, backend, family, wanted(family), true, true)
		netns.Restore(t, backend, family, "*nat\n:OTHER - [0:0]\n-A OTHER -j IP-MASQ\nCOMMIT\n")
		before := netns.Save(t, backend, family)
		got, err := NewNAT(familyOf(family), Backend(backend)).Remove(t.Context(), "IP-MASQ", false)
		if err == nil {
			t.Fatalf("removed %+v", got)
		}
		_, remedy, _ := strings.Cut(err.Error(), "remove it first, ")
		command := strings.Fields(strings.TrimSuffix(remedy, " shows it"))
		if len(command) == 0 {
			t.Fatalf("the error names no command: %v", err)
		}
		shown, err := netns.Output(command[0], command[1:]...)
		if err != nil || !strings.Contains(shown, "OTHER") {
			t.Errorf("%q shows, %v:\n%s", command, err, shown)
		}
		if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
			t.Errorf("half of it was removed (-before +after):\n%s", diff)
		}
	})
}

// TestRemoveCreatesNothing: Remove creates no table in a backend that has none.
func TestRemoveCreatesNothing(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		before := netns.Generation(t)
		got, err := NewNAT(familyOf(family), Backend(backend)).Remove(t.Context(), "IP-MASQ", false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Removal{}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if tables := netns.LegacyTables(t, family); len(tables) > 0 || netns.Generation(t) != before {
			t.Errorf("legacy tables %q were created, and the nft generation went from %d to %d", tables, before, netns.Generation(t))
		}
	})
}
