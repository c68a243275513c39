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

// events are the calls of an agent, in order.
type events []func(*Status)

var both = []netfilter.Family{netfilter.IPv4, netfilter.IPv6}

func read(c agent.ConfigStatus) func(*Status) {
	return func(s *Status) { s.ConfigRead(c) }
}

func synced(f netfilter.Family, p agent.Sync) func(*Status) {
	return func(s *Status) { s.SyncStarted(f); s.SyncEnded(f, p) }
}

func starting(err error) func(*Status) {
	return func(s *Status) { s.Starting(err) }
}

func after(d time.Duration) func(*Status) {
	return func(*Status) { time.Sleep(d) }
}

func valid() agent.ConfigStatus {
	return agent.ConfigStatus{Source: agent.FromFile, Hash: "0123456789abcdef"}
}

func invalid() agent.ConfigStatus {
	return agent.ConfigStatus{
		Source: agent.FromFile,
		Hash:   "0123456789abcdef",
		Err:    errors.New("/etc/config/ip-masq-agent:3: first\n/etc/config/ip-masq-agent:4: second"),
	}
}

func verified() agent.Sync { return agent.Sync{Source: agent.FromFile, Rules: 3} }

// errorAfter returns the text of the error that ask returns after the events; empty
// for nil.
func errorAfter(t *testing.T, families []netfilter.Family, calls events, ask func(*Status) error) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New("v1.2.3", families)
		for _, call := range calls {
			call(s)
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
		events   events
		want     string
	}{
		{"no event yet", both, nil,
			"the configuration was not read yet; IPv4: not verified yet; IPv6: not verified yet"},
		{"choosing the backend", both[:1], events{starting(nil)}, "the backend is not chosen yet; IPv4: not verified yet"},
		{"no backend", both[:1], events{starting(nil), starting(errors.New("no iptables")), starting(nil)}, "no iptables; IPv4: not verified yet"},
		{"another reason", both[:1], events{starting(errors.New("no iptables")), starting(errors.New("no permission"))}, "no permission; IPv4: not verified yet"},
		{"a backend is chosen", both[:1], events{starting(errors.New("no iptables")), read(valid()), synced(netfilter.IPv4, verified())}, ""},
		{"read, not verified", both[:1], events{read(valid())}, "IPv4: not verified yet"},
		{"one of two verified", both, events{read(valid()), synced(netfilter.IPv4, verified())}, "IPv6: not verified yet"},
		{"both verified", both, events{read(valid()), synced(netfilter.IPv4, verified()), synced(netfilter.IPv6, verified())}, ""},
		{"no file, defaults verified", both[:1],
			events{read(agent.ConfigStatus{Source: agent.FromDefault}), synced(netfilter.IPv4, agent.Sync{Source: agent.FromDefault})}, ""},
		{"invalid, on one line", both[:1], events{read(invalid()), synced(netfilter.IPv4, verified())},
			"invalid configuration: /etc/config/ip-masq-agent:3: first; /etc/config/ip-masq-agent:4: second"},
		{"invalid, with the line breaks of Windows", both[:1], events{read(agent.ConfigStatus{Err: errors.New("first\r\nsecond\rthird")}), synced(netfilter.IPv4, verified())},
			"invalid configuration: first; second; third"},
		{"invalid, with a file name that controls a terminal", both[:1], events{read(agent.ConfigStatus{Err: errors.New("/etc/a\x1b[31m\tb:1: first\nsecond")}), synced(netfilter.IPv4, verified())},
			`invalid configuration: /etc/a\x1b[31m\tb:1: first; second`},
		{"valid again", both[:1], events{read(invalid()), synced(netfilter.IPv4, verified()), read(valid()), synced(netfilter.IPv4, verified())}, ""},
		{"invalid at the start, rules left unchanged", both[:1],
			events{read(agent.ConfigStatus{Source: agent.FromDefault, Err: errors.New("no")}), synced(netfilter.IPv4, agent.Sync{Source: agent.FromKernel})},
			"invalid configuration: no; IPv4: the rules found in the kernel were left unchanged"},
		{"failing, on one line", both,
			events{read(valid()), synced(netfilter.IPv4, busy), synced(netfilter.IPv6, verified())},
			"IPv4: restoring ip-masq chain: exit status 4:; Another app is currently holding the xtables lock."},
		{"repaired, and the next repair waits", both[:1], events{read(valid()), synced(netfilter.IPv4, agent.Sync{Source: agent.FromFile, RepairedChain: true, Damped: true})},
			"IPv4: another program keeps undoing the repairs of the rules, so they are delayed: see the log"},
		{"repaired, then verified", both[:1],
			events{read(valid()), synced(netfilter.IPv4, agent.Sync{Source: agent.FromFile, RepairedChain: true, Damped: true}), synced(netfilter.IPv4, verified())}, ""},
		{"failed, then verified", both[:1], events{read(valid()), synced(netfilter.IPv4, busy), synced(netfilter.IPv4, verified())}, ""},
		{"the file changed, no sync since", both[:1], events{read(valid()), synced(netfilter.IPv4, verified()), read(valid())},
			"IPv4: not verified since the file changed"},
		{"the file changed during the sync", both[:1],
			events{read(valid()), func(s *Status) {
				s.SyncStarted(netfilter.IPv4)
				s.ConfigRead(valid())
				s.SyncEnded(netfilter.IPv4, verified())
			}},
			"IPv4: not verified since the file changed"},
		{"the next sync is running", both[:1],
			events{read(valid()), synced(netfilter.IPv4, verified()), func(s *Status) { s.SyncStarted(netfilter.IPv4) }}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, errorAfter(t, tt.families, tt.events, (*Status).Ready)); diff != "" {
				t.Errorf("not ready because (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHealthy(t *testing.T) {
	polled := (*Status).Polled
	began := func(s *Status) { s.SyncStarted(netfilter.IPv6) }
	tests := []struct {
		name   string
		events events
		want   string
	}{
		{"new", nil, ""},
		{"the loop runs", events{after(time.Hour), polled, after(60 * time.Second)}, ""},
		{"the loop stopped", events{polled, after(61 * time.Second)}, "the file was last read 1m1s ago"},
		{"the loop never ran", events{after(2 * time.Minute)}, "the file was last read 2m0s ago"},
		{"no backend, still trying", events{after(time.Hour), starting(errors.New("no iptables")), after(60 * time.Second)}, ""},
		{"a sync takes 60 s", events{began, after(60 * time.Second), polled}, ""},
		{"a sync takes longer", events{began, after(61 * time.Second), polled}, "IPv6: a sync has been running for 1m1s"},
		{"a sync took longer, and ended", events{began, after(90 * time.Second), polled, func(s *Status) { s.SyncEnded(netfilter.IPv6, verified()) }}, ""},
		{"an invalid file and a failed sync, which a restart does not fix", events{read(invalid()), synced(netfilter.IPv4, agent.Sync{Err: errors.New("no")})}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, errorAfter(t, both, tt.events, (*Status).Healthy)); diff != "" {
				t.Errorf("not healthy because (-want +got):\n%s", diff)
			}
		})
	}
}
