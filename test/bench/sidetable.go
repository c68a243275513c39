// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// measure is a row of the report: a name, the figures of both sides, and the
// agent's figure divided by that of the commands.
type measure struct {
	name  string
	show  func(k key, s side) string
	ratio func(k key) float64
}

func (r *report) measures() []measure {
	rounds := func(name string, figure func(round) time.Duration, show func(time.Duration) string) measure {
		of := func(k key, s side) []time.Duration { return pick(r.cells[k].Rounds[s], figure) }
		return measure{name,
			func(k key, s side) string { return show(median(of(k, s))) },
			func(k key) float64 { return ratio(of(k, theAgent), of(k, commands)) },
		}
	}
	minutes := func(name string, of func(minuteAnswer) time.Duration, show func(time.Duration) string) measure {
		return measure{name,
			func(k key, s side) string { return show(of(r.minutes[k][s])) },
			func(k key) float64 { return quotient(of(r.minutes[k][theAgent]), of(r.minutes[k][commands])) },
		}
	}
	counted := func(name string, of func(counts) float64) measure {
		return measure{name: name, show: func(k key, s side) string { return fmt.Sprintf("%.1f", of(r.cells[k].Counts[s])) }}
	}
	alone := func(name string, show func(k key) string) measure {
		return measure{name: name, show: func(k key, s side) string {
			if s == commands {
				return "" // the figure of the commands is not that of 2.12 itself
			}
			return show(k)
		}}
	}
	return []measure{
		counted("processes per sync", func(c counts) float64 { return c.Processes }),
		counted("kernel writes per sync", func(c counts) float64 { return c.Writes }),
		rounds("CPU of a sync", func(r round) time.Duration { return r.Tick }, milliseconds),
		minutes("CPU of an idle minute", func(a minuteAnswer) time.Duration { return median(a.Idle) }, milliseconds),
		rounds("CPU of a sync that repairs", func(r round) time.Duration { return r.Repair }, milliseconds),
		minutes("from a flushed chain to its repair", func(a minuteAnswer) time.Duration { return a.Repaired }, seconds),
		rounds("CPU from start to rules", func(r round) time.Duration { return r.Begin }, milliseconds),
		rounds("time from start to rules", func(r round) time.Duration { return r.Start }, milliseconds),
		alone("peak memory", func(k key) string { return mebibytes(r.minutes[k][theAgent].Peak.Own) }),
		alone("CPU beside a busy kube-proxy", func(k key) string {
			b := r.cells[k].Busy
			return fmt.Sprintf("%.2f %% for %.1f syncs and %.1f commits a second", 100*b.CPU, b.Passes, b.Commits)
		}),
		alone("CPU to follow each of those commits", func(k key) string { return fmt.Sprintf("%.1f %%", 100*r.cells[k].Busy.each()) }),
	}
}

func quotient(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// cell formats the figures of both sides and the ratio.
func (m measure) cell(k key) string {
	text := m.show(k, theAgent)
	if other := m.show(k, commands); other != "" {
		text += " / " + other
	}
	if m.ratio != nil {
		text += " (" + times(m.ratio(k)) + ")"
	}
	return text
}

// writeSides writes one table for each backend.
func (r *report) writeSides(w io.Writer) {
	fmt.Fprintf(w, "This agent / the three commands that 2.12 runs in each interval (agent / commands), at resyncInterval %v. Beside nftables the commands run on iptables-nft.\n", r.plan.Interval)
	for _, backend := range backends() {
		fmt.Fprintf(w, "\n| %s, Services |", backend)
		for _, n := range r.plan.Services {
			fmt.Fprintf(w, " %d |", n)
		}
		fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(r.plan.Services)))
		for _, m := range r.measures() {
			fmt.Fprintf(w, "| %s |", m.name)
			for _, n := range r.plan.Services {
				fmt.Fprintf(w, " %s |", m.cell(key{backend, n}))
			}
			fmt.Fprintln(w)
		}
	}
}
