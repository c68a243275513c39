// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// tally counts answers.
type tally struct {
	questions, right, unknown, wrong, none int
	// healthy counts questions about a family for which doctor reports no
	// deviation.
	healthy int
	// fates counts the right answers by verdict.
	fates map[string]int
}

func (c *tally) add(o tally) {
	c.questions += o.questions
	c.right += o.right
	c.unknown += o.unknown
	c.wrong += o.wrong
	c.none += o.none
	c.healthy += o.healthy
	for fate, n := range o.fates {
		c.count(fate, n)
	}
}

func (c *tally) count(fate string, n int) {
	if c.fates == nil {
		c.fates = map[string]int{}
	}
	c.fates[fate] += n
}

func (c tally) String() string {
	return fmt.Sprintf("%d questions: %d right %v, %d cannot be told, %d wrong, %d without an answer; doctor reports no deviation for %d",
		c.questions, c.right, c.fates, c.unknown, c.wrong, c.none, c.healthy)
}

// trial is one rule set with its questions and failures.
type trial struct {
	w         *testbed
	rules     ruleset
	questions []question
	healthy   map[string]bool // the families for which doctor reports no deviation from the file
	failures  []string
	tally     tally
}

// run creates the rule set, runs explain and doctor, and sends the packets.
func (r *trial) run(t *testing.T) {
	t.Helper()
	r.w.clear(t)
	r.failures, r.tally, r.healthy = nil, tally{}, map[string]bool{}
	config := configFile(t, r.rules.config)
	if r.rules.agent == "" {
		r.w.run(t, r.rules.commands)
		r.ask(t, config)
	} else {
		r.w.run(t, r.rules.commands[:r.rules.afterStart])
		agent, err := startAgent(t, r.rules.agent, config)
		if err != nil {
			r.failures = append(r.failures, err.Error())
		}
		r.w.run(t, r.rules.commands[r.rules.afterStart:])
		r.ask(t, config)
		r.examine(t)
		stopAgent(agent)
	}
	r.judge()
}

// ask runs explain and sends the packets.
func (r *trial) ask(t *testing.T, config string) {
	t.Helper()
	for i := 0; i < len(r.questions); {
		first := r.questions[i]
		var destinations []netip.Addr
		for j := i; j < len(r.questions) && r.questions[j].source == first.source && r.questions[j].net == first.net; j++ {
			destinations = append(destinations, r.questions[j].destination)
		}
		answers, err := explain(t, config, first.source, destinations, r.rules.agent != "")
		for j := range destinations {
			q := &r.questions[i+j]
			q.answer = answer{Why: fmt.Sprint(err)}
			if err == nil {
				q.answer = answers[j]
			}
			wait := r.w.patience
			if q.answer.mayDrop() {
				wait = 0
			}
			q.seen = nil
			for _, pod := range q.net.pods {
				if q.source == pod || !q.source.IsValid() {
					q.seen = append(q.seen, r.w.probe(t, pod, q.destination, wait)...)
				}
			}
		}
		i += len(destinations)
	}
}

// examine runs doctor.
func (r *trial) examine(t *testing.T) {
	t.Helper()
	findings, err := doctor(t)
	if err != nil {
		r.failures = append(r.failures, err.Error())
		return
	}
	if !slices.ContainsFunc(findings, func(f finding) bool { return f.Check == "foreign-rule" }) {
		r.failures = append(r.failures, "doctor does not mention rules of other programs")
		return
	}
	for _, family := range []string{"IPv4", "IPv6"} {
		r.healthy[family] = !slices.ContainsFunc(findings, func(f finding) bool {
			if f.Severity == "ok" || f.Check == "config" && f.Severity == "info" || f.Family != "" && f.Family != family {
				return false
			}
			return slices.Contains([]string{"foreign-rule", "chain", "jump", "other-agent", "backend", "config"}, f.Check)
		})
	}
}

// judge compares the answers with the packets.
func (r *trial) judge() {
	r.tally.questions = len(r.questions)
	for _, q := range r.questions {
		wrong := q.wrong()
		switch {
		case q.answer.Verdict == "":
			r.tally.none++
		case wrong != "":
			r.tally.wrong++
		case q.answer.Verdict == "unknown":
			r.tally.unknown++
		default:
			r.tally.right++
			r.tally.count(q.answer.Verdict, 1)
		}
		if wrong != "" {
			r.failures = append(r.failures, wrong+": "+q.String())
		}
		if r.healthy[q.net.name] {
			r.tally.healthy++
		}
		if r.healthy[q.net.name] && !q.byFile() {
			r.failures = append(r.failures, fmt.Sprintf("doctor reports no deviation from the file for %s, which says %v: %s", q.net.name, q.answer.File, q))
		}
	}
}
