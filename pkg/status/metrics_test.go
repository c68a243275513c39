// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"errors"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// scrape returns the agent's own samples of /metrics, or with all also their HELP and
// TYPE lines.
func scrape(t *testing.T, s *Status, all bool) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("GET /metrics: %d %s", w.Code, w.Body)
	}
	var b strings.Builder
	for line := range strings.Lines(w.Body.String()) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, "ip_masq_agent_") && (all || name == line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestGolden compares the whole page with testdata/metrics.txt, because dashboards
// and alerts depend on every name and label.
func TestGolden(t *testing.T) {
	golden, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(golden), "GOVERSION", runtime.Version())
	synctest.Test(t, func(t *testing.T) { // whose clock starts at 2000-01-01
		s := New("v1.2.3", both)
		s.SetBackend(netfilter.IPv4, "iptables-nft", "IP-MASQ")
		s.ConfigRead(valid())
		synced(netfilter.IPv4, agent.Sync{
			Source: agent.FromFile, Rules: 5, Duration: 3 * time.Millisecond,
			Traffic: netfilter.Traffic{Kept: netfilter.Count{Packets: 7, Bytes: 420}, Masqueraded: netfilter.Count{Packets: 2, Bytes: 120}},
		})(s)
		time.Sleep(time.Minute)
		synced(netfilter.IPv4, agent.Sync{
			Source: agent.FromFile, Rules: 5, Duration: 40 * time.Millisecond, RepairedChain: true, RepairedJump: true, Damped: true,
			Traffic: netfilter.Traffic{Kept: netfilter.Count{Packets: 8, Bytes: 480}, Masqueraded: netfilter.Count{Packets: 2, Bytes: 120}},
		})(s)
		time.Sleep(time.Minute)
		synced(netfilter.IPv4, agent.Sync{Source: agent.FromFile, Duration: 20 * time.Second, Err: errors.New("hung")})(s)
		synced(netfilter.IPv6, agent.Sync{Source: agent.FromKernel, Duration: time.Millisecond})(s)
		for range 2 {
			if diff := cmp.Diff(want, scrape(t, s, true)); diff != "" {
				t.Errorf("/metrics (-want +got):\n%s", diff)
			}
		}
	})
}

// TestDurationOfSyncs: a sync of duration 0, in which the kernel proved that nothing
// changed, is not in the histogram.
func TestDurationOfSyncs(t *testing.T) {
	s := New("v1.2.3", both[:1])
	synced(both[0], agent.Sync{Source: agent.FromFile})(s)
	synced(both[0], agent.Sync{Source: agent.FromFile, Duration: 1})(s)
	if got := scrape(t, s, false); !strings.Contains(got, `ip_masq_agent_sync_duration_seconds_count{family="IPv4"} 1`) {
		t.Errorf("want one observation:\n%s", got)
	}
}

// TestCollectors: /metrics has the Go and process metrics of client_golang.
func TestCollectors(t *testing.T) {
	w := httptest.NewRecorder()
	New("v1.2.3", both).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, series := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"} {
		if !strings.Contains(w.Body.String(), "\n"+series+" ") {
			t.Errorf("no %s", series)
		}
	}
}

// TestSeriesBeforeTheFirstEvent: increase() counts the first event only if the series
// existed before, and an alert about a time needs a series from the start.
func TestSeriesBeforeTheFirstEvent(t *testing.T) {
	got := scrape(t, New("v1.2.3", both), false)
	for _, family := range []string{"IPv4", "IPv6"} {
		for _, series := range []string{
			`ip_masq_agent_syncs_total{family="F",result="success"} 0`,
			`ip_masq_agent_syncs_total{family="F",result="error"} 0`,
			`ip_masq_agent_syncs_total{family="F",result="skipped"} 0`,
			`ip_masq_agent_repairs_total{cause="chain",family="F"} 0`,
			`ip_masq_agent_repairs_total{cause="jump",family="F"} 0`,
			`ip_masq_agent_damped_repairs_total{family="F"} 0`,
			`ip_masq_agent_sync_duration_seconds_count{family="F"} 0`,
			`ip_masq_agent_packets_total{family="F",verdict="return"} 0`,
			`ip_masq_agent_bytes_total{family="F",verdict="masquerade"} 0`,
			`ip_masq_agent_last_success_timestamp_seconds{family="F"} 0`,
		} {
			if line := strings.ReplaceAll(series, `"F"`, `"`+family+`"`) + "\n"; !strings.Contains(got, line) {
				t.Errorf("no %s", line)
			}
		}
	}
	for _, unknown := range []string{"ip_masq_agent_config_valid", "ip_masq_agent_config_info", "ip_masq_agent_rules"} {
		if strings.Contains(got, unknown) {
			t.Errorf("there is a sample of %s before its value is known", unknown)
		}
	}
}

func TestConfigMetrics(t *testing.T) {
	tests := []struct {
		name   string
		events events
		want   []string
	}{
		{"valid", events{read(valid()), synced(netfilter.IPv4, verified())}, []string{
			`ip_masq_agent_config_info{family="IPv4",hash="0123456789abcdef",source="file"} 1`, `ip_masq_agent_config_valid 1`}},
		{"invalid, the last valid one in force", events{read(invalid()), synced(netfilter.IPv4, verified())}, []string{
			`ip_masq_agent_config_info{family="IPv4",hash="0123456789abcdef",source="file"} 1`, `ip_masq_agent_config_valid 0`}},
		{"no file", events{read(agent.ConfigStatus{Source: agent.FromDefault}), synced(netfilter.IPv4, agent.Sync{Source: agent.FromDefault})}, []string{
			`ip_masq_agent_config_info{family="IPv4",hash="",source="default"} 1`, `ip_masq_agent_config_valid 1`}},
		{"invalid at the start, rules left unchanged", events{
			read(agent.ConfigStatus{Source: agent.FromDefault, Err: errors.New("no")}), synced(netfilter.IPv4, agent.Sync{Source: agent.FromKernel})}, []string{
			`ip_masq_agent_config_info{family="IPv4",hash="",source="kernel"} 1`, `ip_masq_agent_config_valid 0`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New("v1.2.3", both[:1])
			for _, call := range tt.events {
				call(s)
			}
			var got []string
			for line := range strings.Lines(scrape(t, s, false)) {
				if strings.HasPrefix(line, "ip_masq_agent_config_") {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}
