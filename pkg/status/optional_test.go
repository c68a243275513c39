// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/netfilter"
)

// TestOptionalFamily: /readyz waits for the decision about the family. The family has
// metrics, and /readyz depends on it, only if it is enabled.
func TestOptionalFamily(t *testing.T) {
	page := func(s *Status) string {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	step := func(s *Status, what, ready string, hasMetrics bool) {
		t.Helper()
		got := ""
		if err := s.Ready(); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(ready, got); diff != "" {
			t.Errorf("%s: Ready (-want +got):\n%s", what, diff)
		}
		if got := strings.Contains(page(s), `family="IPv6"`); got != hasMetrics {
			t.Errorf("%s: there are metrics of IPv6: %v", what, got)
		}
	}
	s := New("v1.2.3", both[:1], netfilter.IPv6)
	s.SetBackend(netfilter.IPv6, "nftables", "IP-MASQ")
	s.ConfigRead(valid())
	s.SyncStarted(netfilter.IPv4)
	s.SyncEnded(netfilter.IPv4, verified())
	step(s, "undecided", "IPv6: not decided yet whether it is enabled", false)
	for range 2 {
		s.Decided(netfilter.IPv6, false)
		step(s, "off", "", false)
	}
	s.SyncStarted(netfilter.IPv6)
	step(s, "sync started", "", false)
	s.Decided(netfilter.IPv6, false) // the kernel cannot hold the rules
	step(s, "off after the sync", "", false)
	for range 2 {
		s.Decided(netfilter.IPv6, true)
		step(s, "on", "IPv6: not verified yet", true)
	}
	s.SyncStarted(netfilter.IPv6)
	s.SyncEnded(netfilter.IPv6, verified())
	step(s, "verified", "", true)
	if text := page(s); !strings.Contains(text, `ip_masq_agent_backend{backend="nftables",chain="IP-MASQ",family="IPv6"} 1`) || !strings.Contains(text, `ip_masq_agent_repairs_total{cause="jump",family="IPv6"} 0`) {
		t.Errorf("metrics of IPv6 are missing:\n%s", text)
	}
}

// TestHealthyAfterASyncThatDisabled: a sync that left an optional family off does not count
// as running, also when the family is enabled later.
func TestHealthyAfterASyncThatDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New("v1.2.3", both[:1], netfilter.IPv6)
		s.SyncStarted(netfilter.IPv6)
		s.Decided(netfilter.IPv6, false)
		time.Sleep(2 * stuckAfter)
		s.Polled()
		s.Decided(netfilter.IPv6, true)
		if err := s.Healthy(); err != nil {
			t.Errorf("Healthy() = %v, want nil", err)
		}
	})
}
