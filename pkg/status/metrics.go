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

// metrics are what happened, counted; what is, is collected from the Status.
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
			Help: "Passes over a family's nat table, by result: success if the kernel was verified to hold what is wanted, error, or skipped if a chain found in the kernel was left alone.",
		}, []string{"family", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ip_masq_agent_sync_duration_seconds",
			Help: "How long a pass took that ran a command; what the kernel confirmed without one is not among them.",
			// From a read in nft to a legacy restore that waits for the lock.
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}, []string{"family"}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ip_masq_agent_repairs_total",
			Help: "Repairs of what something else had changed, by cause: chain or jump.",
		}, []string{"family", "cause"}),
		damped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ip_masq_agent_damped_repairs_total",
			Help: "Repairs after which the next one had to wait, because something else keeps undoing them.",
		}, []string{"family"}),
	}
	for _, f := range s.families {
		m.enable(f)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "ip_masq_agent_build_info",
		Help:        "Always 1; the labels tell which agent this is.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.syncs, m.seconds, m.repairs, m.damped, build, newCollector(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// enable makes the series of a family exist before their first event, so that
// increase() of PromQL sees it.
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

func (m *metrics) passEnded(f netfilter.Family, p agent.Sync) {
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

// expose writes the metrics in the text format, plain, which every Prometheus
// takes. It is client_golang's own writer without promhttp, whose gzip keeps
// 2 MB of memory for a page of 5 kB.
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
	// A page leaves 0.15 MB of garbage. The runtime would let it add up to 1 MB.
	debug.FreeOSMemory()
}
