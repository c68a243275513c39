// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
)

// metrics are the counters and histograms, which events update. Gauges are computed
// from the Status by [collector] when they are scraped.
type metrics struct {
	registry *prometheus.Registry
	syncs    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	repairs  *prometheus.CounterVec
	damped   *prometheus.CounterVec
}

// The values of the labels.
const (
	success = "success"
	failure = "error"
	skipped = "skipped"

	causeChain = "chain"
	causeJump  = "jump"
)

func newMetrics(s *Status, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ip_masq_agent_syncs_total",
			Help: "Syncs of a family's rules, by result: success if the rules in the kernel were verified, error, or skipped if rules found in the kernel were left unchanged.",
		}, []string{"family", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ip_masq_agent_sync_duration_seconds",
			Help: "Duration of syncs that read or wrote rules. Syncs that the kernel's generation number made unnecessary are not included.",
			// From a read in nft to a legacy restore that waits for the lock.
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}, []string{"family"}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ip_masq_agent_repairs_total",
			Help: "Repairs of rules that another program had changed, by cause: chain or jump.",
		}, []string{"family", "cause"}),
		damped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ip_masq_agent_damped_repairs_total",
			Help: "Repairs after which the next one was delayed, because another program keeps undoing them.",
		}, []string{"family"}),
	}
	for _, f := range s.families {
		m.enable(f)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "ip_masq_agent_build_info",
		Help:        "Always 1; the labels are the version of the agent and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.syncs, m.seconds, m.repairs, m.damped, build, newCollector(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// enable creates the series of a family before their first event, so that
// increase() of PromQL sees that event.
func (m *metrics) enable(f netfilter.Family) {
	for _, result := range []string{success, failure, skipped} {
		m.syncs.WithLabelValues(f.String(), result)
	}
	for _, cause := range []string{causeChain, causeJump} {
		m.repairs.WithLabelValues(f.String(), cause)
	}
	m.seconds.WithLabelValues(f.String())
	m.damped.WithLabelValues(f.String())
}

func (m *metrics) syncEnded(f netfilter.Family, p agent.Sync) {
	family, result := f.String(), success
	switch {
	case p.Err != nil:
		result = failure
	case !p.Verified():
		result = skipped
	}
	m.syncs.WithLabelValues(family, result).Inc()
	if p.Duration > 0 {
		m.seconds.WithLabelValues(family).Observe(p.Duration.Seconds())
	}
	if p.RepairedChain {
		m.repairs.WithLabelValues(family, causeChain).Inc()
	}
	if p.Damped {
		m.damped.WithLabelValues(family).Inc()
	}
	if p.RepairedJump {
		m.repairs.WithLabelValues(family, causeJump).Inc()
	}
}

// expose writes the metrics in the plain text format, which every Prometheus
// accepts. It uses the encoder of client_golang without promhttp, whose gzip
// encoder keeps 2 MB of memory for a page of 5 kB.
func (m *metrics) expose(w http.ResponseWriter, _ *http.Request) {
	families, err := m.registry.Gather()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return // the client went away
		}
	}
	// A page leaves 0.15 MB of garbage, which the runtime would let grow to 1 MB.
	debug.FreeOSMemory()
}
