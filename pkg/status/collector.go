// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// collector exports the state in Status as metrics. The packet counters are those
// of the last verification, so a scrape starts no process.
type collector struct {
	status                                                   *Status
	valid, info, backend, rules, packets, bytes, lastSuccess *prometheus.Desc
}

// BackendMetric is the metric that names the backend and the chain of a family.
// The subcommands read it to learn what a running agent uses.
const BackendMetric = "ip_masq_agent_backend"

func newCollector(s *Status) *collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("ip_masq_agent_"+name, help, labels, nil)
	}
	return &collector{
		status: s,
		valid:  describe("config_valid", "1 if the file is valid or missing, 0 if it is invalid."),
		info: describe("config_info", "Always 1; hash is the start of the SHA-256 of the file in force, source the origin of the family's rules: file, default or kernel.",
			"family", "hash", "source"),
		backend:     describe("backend", "Always 1; backend is the backend of the family: iptables-nft, iptables-legacy or nftables; chain is --masq-chain.", "backend", "chain", "family"),
		rules:       describe("rules", "Rules in the chain, as last verified.", "family"),
		packets:     describe("packets_total", "First packets of connections, by verdict: return keeps the pod's address, masquerade takes the node's.", "family", "verdict"),
		bytes:       describe("bytes_total", "Bytes of the packets in ip_masq_agent_packets_total.", "family", "verdict"),
		lastSuccess: describe("last_success_timestamp_seconds", "When the rules in the kernel were last verified, in Unix time; 0 is never.", "family"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.valid, c.info, c.backend, c.rules, c.packets, c.bytes, c.lastSuccess} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.status
	s.mu.Lock()
	defer s.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if s.readings > 0 {
		valid := 1.0
		if s.config.Err != nil {
			valid = 0
		}
		gauge(c.valid, valid)
	}
	for _, f := range s.families {
		t := s.tables[f]
		if t.pending {
			continue
		}
		if p := s.backends[f]; p.backend != "" {
			gauge(c.backend, 1, p.backend, p.chain, f.String())
		}
		gauge(c.lastSuccess, seconds(t.verified), f.String())
		if t.ended {
			gauge(c.info, 1, f.String(), s.hash(t.last.Source), string(t.last.Source))
		}
		if !t.verified.IsZero() {
			gauge(c.rules, float64(t.last.Rules), f.String())
		}
		c.traffic(out, f, "return", t.last.Traffic.Kept)
		c.traffic(out, f, "masquerade", t.last.Traffic.Masqueraded)
	}
}

// hash returns the hash of the file in force; empty if the rules do not come from
// a file.
func (s *Status) hash(source agent.Source) string {
	if source != agent.FromFile {
		return ""
	}
	return s.config.Hash
}

// seconds returns a time as Unix time, and 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}

func (c *collector) traffic(out chan<- prometheus.Metric, f netfilter.Family, verdict string, n netfilter.Count) {
	out <- prometheus.MustNewConstMetric(c.packets, prometheus.CounterValue, float64(n.Packets), f.String(), verdict)
	out <- prometheus.MustNewConstMetric(c.bytes, prometheus.CounterValue, float64(n.Bytes), f.String(), verdict)
}
