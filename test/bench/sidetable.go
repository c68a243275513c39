// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"io"
	"time"
)

// measure is a row of the report for one table: a name, how a side did, and for
// the last column how many times as much the commands took.
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
			func(k key) float64 { return ratio(of(k, commands), of(k, theAgent)) },
		}
	}
	once := func(name string, of func(minuteAnswer) time.Duration, show func(time.Duration) string) measure {
		return measure{name,
			func(k key, s side) string { return show(of(r.minutes[k][s])) },
			func(k key) float64 {
				return quotient(of(r.minutes[k][commands]), of(r.minutes[k][theAgent]))
			},
		}
	}
	counted := func(name string, of func(counts) float64) measure {
		return measure{name: name, show: func(k key, s side) string { return fmt.Sprintf("%.1f", of(r.cells[k].Counts[s])) }}
	}
	return []measure{
		{"CPU of an idle minute",
			func(k key, s side) string { return milliseconds(median(r.minutes[k][s].Idle)) },
			func(k key) float64 {
				return quotient(median(r.minutes[k][commands].Idle), median(r.minutes[k][theAgent].Idle))
			}},
		rounds("CPU of a tick of resyncInterval", func(r round) time.Duration { return r.Tick }, milliseconds),
		rounds("CPU of a tick that repairs", func(r round) time.Duration { return r.Repair }, milliseconds),
		counted("processes a tick", func(c counts) float64 { return c.Processes }),
		counted("commits a tick", func(c counts) float64 { return c.Writes }),
		once("flush right after the start, to healed", func(a minuteAnswer) time.Duration { return a.Healed }, seconds),
		{name: "flush later, to healed", show: func(k key, s side) string {
			if s != theAgent {
				return "the same" // they wait for their tick, always
			}
			return seconds(r.minutes[k][s].Again)
		}},
		{name: fmt.Sprintf("beside a kube-proxy that commits each %v", commitInterval), show: func(k key, s side) string {
			if s != theAgent {
				return "–"
			}
			b := r.cells[k].Busy
			return fmt.Sprintf("%.1f %% of a CPU, %.1f passes a second for %.1f commits", 100*b.CPU, b.Passes, b.Commits)
		}},
		rounds("start to rules", func(r round) time.Duration { return r.Start }, milliseconds),
		{name: "peak memory, itself", show: func(k key, s side) string {
			if s == commands {
				return "–" // this stand-in's says nothing of 2.12's
			}
			return mebibytes(r.minutes[k][s].Peak.Own)
		}},
		{name: "peak memory, its largest child", show: func(k key, s side) string {
			// A child begins as a copy of its parent, and counts as large.
			if p := r.minutes[k][s].Peak; p.Any > p.Own+p.Own/10 {
				return mebibytes(p.Any)
			}
			return "less"
		}},
	}
}

func quotient(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func (r *report) writeSides(w io.Writer) {
	fmt.Fprintf(w, "resyncInterval %v where time is told, and for idle minutes. The three commands are those that 2.12 runs each interval; beside nftables they run on iptables-nft.\n\n", r.plan.Interval)
	fmt.Fprintln(w, "| backend | services | | this agent | the three commands | commands / agent |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, k := range r.keys() {
		for _, m := range r.measures() {
			last := ""
			if m.ratio != nil {
				last = times(m.ratio(k))
			}
			fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s |\n", k.backend, k.services, m.name,
				m.show(k, theAgent), m.show(k, commands), last)
		}
	}
}
