// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// told is what the agent tells a Status, in order.
type told []func(*Status)

var both = []netfilter.Family{netfilter.IPv4, netfilter.IPv6}

func read(c agent.ConfigStatus) func(*Status) {
	return func(s *Status) { s.ConfigRead(c) }
}

func pass(f netfilter.Family, p agent.Sync) func(*Status) {
	return func(s *Status) { s.SyncStarted(f); s.SyncEnded(f, p) }
}

func starting(err error) func(*Status) {
	return func(s *Status) { s.Starting(err) }
}

func after(d time.Duration) func(*Status) {
	return func(*Status) { time.Sleep(d) }
}

func good() agent.ConfigStatus {
	return agent.ConfigStatus{Source: agent.FromFile, Hash: "0123456789abcdef"}
}

func refused() agent.ConfigStatus {
	return agent.ConfigStatus{
		Source: agent.FromFile,
		Hash:   "0123456789abcdef",
		Err:    errors.New("/etc/config/ip-masq-agent:3: first\n/etc/config/ip-masq-agent:4: second"),
	}
}

func verified() agent.Sync { return agent.Sync{Source: agent.FromFile, Rules: 3} }

// tell returns the text of an error of a Status that was told so; empty for nil.
func tell(t *testing.T, families []netfilter.Family, what told, ask func(*Status) error) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New("v1.2.3", families)
		for _, tell := range what {
			tell(s)
		}
		if err := ask(s); err != nil {
			text = err.Error()
		}
	})
	return text
}

func TestReady(t *testing.T) {
	busy := agent.Sync{Source: agent.FromFile, Err: errors.New("restoring ip-masq chain: exit status 4:\nAnother app is currently holding the xtables lock.")}
	tests := []struct {
		name     string
		families []netfilter.Family
		told     told
		want     string
	}{
		{"nothing told yet", both, nil,
			"the configuration was not read yet; IPv4: not verified yet; IPv6: not verified yet"},
		{"choosing the backend", both[:1], told{starting(nil)}, "the backend is not chosen yet; IPv4: not verified yet"},
		{"no backend", both[:1], told{starting(nil), starting(errors.New("no iptables")), starting(nil)}, "no iptables; IPv4: not verified yet"},
		{"another reason", both[:1], told{starting(errors.New("no iptables")), starting(errors.New("no permission"))}, "no permission; IPv4: not verified yet"},
		{"a backend at last", both[:1], told{starting(errors.New("no iptables")), read(good()), pass(netfilter.IPv4, verified())}, ""},
		{"read, not verified", both[:1], told{read(good())}, "IPv4: not verified yet"},
		{"one of two verified", both, told{read(good()), pass(netfilter.IPv4, verified())}, "IPv6: not verified yet"},
		{"both verified", both, told{read(good()), pass(netfilter.IPv4, verified()), pass(netfilter.IPv6, verified())}, ""},
		{"no file, defaults verified", both[:1],
			told{read(agent.ConfigStatus{Source: agent.FromDefault}), pass(netfilter.IPv4, agent.Sync{Source: agent.FromDefault})}, ""},
		{"refused, on one line", both[:1], told{read(refused()), pass(netfilter.IPv4, verified())},
			"invalid configuration: /etc/config/ip-masq-agent:3: first; /etc/config/ip-masq-agent:4: second"},
		{"refused, with the line breaks of Windows", both[:1], told{read(agent.ConfigStatus{Err: errors.New("first\r\nsecond\rthird")}), pass(netfilter.IPv4, verified())},
			"invalid configuration: first; second; third"},
		{"refused, with a file name that controls a terminal", both[:1], told{read(agent.ConfigStatus{Err: errors.New("/etc/a\x1b[31m\tb:1: first\nsecond")}), pass(netfilter.IPv4, verified())},
			`invalid configuration: /etc/a\x1b[31m\tb:1: first; second`},
		{"mended", both[:1], told{read(refused()), pass(netfilter.IPv4, verified()), read(good()), pass(netfilter.IPv4, verified())}, ""},
		{"refused at start, chain left alone", both[:1],
			told{read(agent.ConfigStatus{Source: agent.FromDefault, Err: errors.New("no")}), pass(netfilter.IPv4, agent.Sync{Source: agent.FromKernel})},
			"invalid configuration: no; IPv4: the rules found in the kernel were left unchanged"},
		{"failing, on one line", both,
			told{read(good()), pass(netfilter.IPv4, busy), pass(netfilter.IPv6, verified())},
			"IPv4: restoring ip-masq chain: exit status 4:; Another app is currently holding the xtables lock."},
		{"repaired, and the next repair waits", both[:1], told{read(good()), pass(netfilter.IPv4, agent.Sync{Source: agent.FromFile, RepairedChain: true, Damped: true})},
			"IPv4: another program keeps undoing the repairs of the rules, so they are delayed: see the log"},
		{"repaired, then found as it was left", both[:1],
			told{read(good()), pass(netfilter.IPv4, agent.Sync{Source: agent.FromFile, RepairedChain: true, Damped: true}), pass(netfilter.IPv4, verified())}, ""},
		{"failed and back", both[:1], told{read(good()), pass(netfilter.IPv4, busy), pass(netfilter.IPv4, verified())}, ""},
		{"the file changed, no pass since", both[:1], told{read(good()), pass(netfilter.IPv4, verified()), read(good())},
			"IPv4: not verified since the file changed"},
		{"the file changed during the pass", both[:1],
			told{read(good()), func(s *Status) {
				s.SyncStarted(netfilter.IPv4)
				s.ConfigRead(good())
				s.SyncEnded(netfilter.IPv4, verified())
			}},
			"IPv4: not verified since the file changed"},
		{"the next pass is running", both[:1],
			told{read(good()), pass(netfilter.IPv4, verified()), func(s *Status) { s.SyncStarted(netfilter.IPv4) }}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tell(t, tt.families, tt.told, (*Status).Ready)); diff != "" {
				t.Errorf("not ready because (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHealthy(t *testing.T) {
	turned := (*Status).Polled
	began := func(s *Status) { s.SyncStarted(netfilter.IPv6) }
	tests := []struct {
		name string
		told told
		want string
	}{
		{"just made", nil, ""},
		{"the loop turns", told{after(time.Hour), turned, after(60 * time.Second)}, ""},
		{"it does not", told{turned, after(61 * time.Second)}, "the file was last read 1m1s ago"},
		{"it never did", told{after(2 * time.Minute)}, "the file was last read 2m0s ago"},
		{"no backend, still trying", told{after(time.Hour), starting(errors.New("no iptables")), after(60 * time.Second)}, ""},
		{"a pass takes its time", told{began, after(60 * time.Second), turned}, ""},
		{"a pass is stuck", told{began, after(61 * time.Second), turned}, "IPv6: a sync has been running for 1m1s"},
		{"it was, and ended", told{began, after(90 * time.Second), turned, func(s *Status) { s.SyncEnded(netfilter.IPv6, verified()) }}, ""},
		{"file and kernel are its patients, not its health", told{read(refused()), pass(netfilter.IPv4, agent.Sync{Err: errors.New("no")})}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tell(t, both, tt.told, (*Status).Healthy)); diff != "" {
				t.Errorf("not healthy because (-want +got):\n%s", diff)
			}
		})
	}
}
