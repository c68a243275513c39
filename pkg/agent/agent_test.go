// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

const (
	firstDefault = "10.0.0.0/8"
	// masqLinkLocal makes the first range of the list the first of the chain.
	first  = "nonMasqueradeCIDRs: [10.1.0.0/16]\nmasqLinkLocal: true\n"
	second = "nonMasqueradeCIDRs: [10.2.0.0/16]\nmasqLinkLocal: true\n"
	broken = "nonMasqueradeCIDRs: [10.2.0.0]\n"
)

func check[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestVerifiesEachResyncInterval(t *testing.T) {
	tests := []struct {
		name, file string
		after      time.Duration
		want       []application
	}{
		{"default", missing, 130 * time.Second, []application{{0, firstDefault}, {60 * time.Second, firstDefault}, {120 * time.Second, firstDefault}}},
		{"of the file", "resyncInterval: 45", 100 * time.Second, []application{{0, firstDefault}, {45 * time.Second, firstDefault}, {90 * time.Second, firstDefault}}},
		{"shorter than a second", "resyncInterval: 100ms", 250 * time.Millisecond, []application{{0, firstDefault}, {100 * time.Millisecond, firstDefault}, {200 * time.Millisecond, firstDefault}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, tt.file)
				wait(tt.after)
				check(t, "applied", tt.want, n.v4.take())
			})
		})
	}
}

func TestFollowsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first)
		check(t, "at the start", []application{{0, "10.1.0.0/16"}}, n.v4.take())
		wait(30500 * time.Millisecond)
		n.write(second)
		wait(time.Second)
		check(t, "within a second of the edit", []application{{31 * time.Second, "10.2.0.0/16"}}, n.v4.take())
		n.write(missing)
		wait(time.Second)
		check(t, "one reading without the file is not enough", nil, n.v4.take())
		wait(time.Second)
		check(t, "the file is gone", []application{{33 * time.Second, firstDefault}}, n.v4.take())
		wait(59 * time.Second)
		check(t, "the interval starts with the last sync", nil, n.v4.take())
		wait(time.Second)
		check(t, "the next interval", []application{{93 * time.Second, firstDefault}}, n.v4.take())

		var sources []Source
		configs, _ := n.observer.seen(netfilter.IPv4)
		for _, c := range configs {
			sources = append(sources, c.Source)
		}
		check(t, "reported sources", []Source{FromFile, FromFile, FromDefault}, sources)
	})
}

// TestRejectedFileChangesNothing is invariant 3.
func TestRejectedFileChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first)
		configs, _ := n.observer.seen(netfilter.IPv4)
		hash := configs[0].Hash
		n.v4.take()
		n.write(broken)
		wait(150 * time.Second)
		for _, a := range n.v4.take() { // the first file stays in force, and is restored
			check(t, "applied", "10.1.0.0/16", a.First)
		}
		got, syncs := n.observer.seen(netfilter.IPv4)
		if len(syncs) < 3 {
			t.Errorf("%d syncs in 150 s, want at least 3: the rules are not restored any more", len(syncs))
		}
		if len(got) != 2 || got[1].Err == nil || got[1].Source != FromFile || got[1].Hash != hash {
			t.Errorf("reported %+v, want one more, with an error and the hash of the first file", got)
		}
		n.write(second)
		wait(time.Second)
		check(t, "a valid file again", []application{{151 * time.Second, "10.2.0.0/16"}}, n.v4.take())
	})
}

// TestFailureDoesNotAffectTheOtherFamily is invariant 4.
func TestFailureDoesNotAffectTheOtherFamily(t *testing.T) {
	for name, fault := range map[string]func(*recorder){
		"failing": func(r *recorder) { r.err = errors.New("no such table") },
		"hanging": func(r *recorder) { r.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, first, func(n *node) { n.v4.set(fault) })
				wait(70 * time.Second)
				n.write(second)
				wait(time.Second)
				check(t, "IPv6 applied", []application{{0, "10.1.0.0/16"}, {60 * time.Second, "10.1.0.0/16"}, {71 * time.Second, "10.2.0.0/16"}}, n.v6.take())
			})
		})
	}
}

func TestEditsAreNotReportedAsRepairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.report = netfilter.Report{WroteChain: true, WroteJump: true} })
		wait(60 * time.Second) // drift
		n.v4.set(func(r *recorder) { r.report = netfilter.Report{WroteChain: true} })
		n.write(second)
		wait(time.Second)      // an edit
		wait(60 * time.Second) // drift
		n.v4.set(func(r *recorder) { r.report = netfilter.Report{} })
		wait(60 * time.Second) // nothing
		var got [][2]bool
		_, syncs := n.observer.seen(netfilter.IPv4)
		for _, p := range syncs {
			got = append(got, [2]bool{p.RepairedChain, p.RepairedJump})
		}
		check(t, "repairs of chain and jump", [][2]bool{{false, false}, {true, true}, {false, false}, {true, false}, {false, false}}, got)
	})
}

func TestWhichChangesTriggerASync(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name   string
		change netfilter.Change
		cost   time.Duration
		want   []time.Duration // of syncs within 121 s
	}{
		{"a proof that nothing changed replaces the sync", netfilter.Unchanged, 0, []time.Duration{0}},
		{"no change was seen, without proof", netfilter.PerhapsUnchanged, 0, []time.Duration{0, 60 * s, 120 * s}},
		{"it is unknown whether anything changed", netfilter.ChangeUnknown, 0, []time.Duration{0, 60 * s, 120 * s}},
		{"changes all the time are followed at once, then within the CPU limit", netfilter.Changed, 400 * time.Millisecond,
			[]time.Duration{0, 1 * s, 2 * s, 3 * s, 20 * s, 40 * s, 60 * s, 80 * s, 100 * s, 120 * s}},
		{"syncs above the CPU limit are made each resyncInterval only", netfilter.Changed, 10 * s, []time.Duration{0, 60 * s, 120 * s}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := start(t, missing, func(n *node) {
					n.v4.change = tt.change
					n.v4.report.Cost = tt.cost
				})
				wait(121 * s)
				check(t, "syncs at", tt.want, n.v4.takeTimes())
				if _, syncs := n.observer.seen(netfilter.IPv4); len(syncs) < 3 {
					t.Errorf("%d syncs were reported, want at least 3: a proof that nothing changed counts as one", len(syncs))
				}
			})
		})
	}
}

func TestDriftIsRepairedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.change = netfilter.Unchanged })
		n.v4.take()
		wait(10300 * time.Millisecond)
		n.v4.set(func(r *recorder) { r.change, r.report.WroteChain = netfilter.Changed, true })
		wait(time.Second)
		check(t, "repaired", []application{{11 * time.Second, "10.1.0.0/16"}}, n.v4.take())
	})
}

// TestEditIsAppliedIfTheKernelIsUnchanged: the proof that the kernel is unchanged
// does not keep a new file from being applied.
func TestEditIsAppliedIfTheKernelIsUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, first, func(n *node) { n.v4.change = netfilter.Unchanged })
		n.v4.take()
		n.write(second)
		wait(time.Second)
		check(t, "applied", []application{{time.Second, "10.2.0.0/16"}}, n.v4.take())
	})
}
