// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package packets_test

import (
	"fmt"
	"net/netip"
	"strings"
)

// question is a connection, the answer of explain, and the results of its
// packets.
type question struct {
	net                 *network
	source, destination netip.Addr // the zero source means any pod
	answer              answer
	seen                []sighting
}

func (q question) String() string {
	from := "any pod"
	if q.source.IsValid() {
		from = q.source.String()
	}
	return fmt.Sprintf("%s from %s\n  answer   %s\n  packets  %s", q.destination, from, q.answer, sightings(q.seen))
}

func (q question) same(o question) bool {
	return q.source == o.source && q.destination == o.destination
}

// agrees reports whether a packet did what a verdict says.
func (q question) agrees(s sighting, verdict, to string) bool {
	switch verdict {
	case "keep":
		return s.source == s.pod
	case "masquerade":
		return s.source == q.net.node["out0"] || s.source == q.net.node["wg0"]
	case "snat":
		from, last, isRange := strings.Cut(to, "-")
		if !isRange {
			last = from
		}
		first, err1 := netip.ParseAddr(from)
		end, err2 := netip.ParseAddr(last)
		return err1 == nil && err2 == nil && s.source.IsValid() && s.source.Compare(first) >= 0 && s.source.Compare(end) <= 0
	case "drop":
		return !s.source.IsValid()
	}
	return false
}

// wrong describes why an answer is wrong, or returns "".
func (q question) wrong() string {
	for _, s := range q.seen {
		switch {
		case q.answer.Verdict == "":
			return "no verdict"
		case q.answer.Verdict != "unknown":
			if !q.agrees(s, q.answer.Verdict, q.answer.To) {
				return "wrong"
			}
		case !q.possible(s):
			return "not one of the possible outcomes"
		}
	}
	return ""
}

// possible reports whether a packet had one of the possible outcomes.
func (q question) possible(s sighting) bool {
	for _, p := range q.answer.Possible {
		if p.Verdict == "unknown" || p.Verdict == "snat" && !strings.ContainsAny(p.To, ".:") || q.agrees(s, p.Verdict, p.To) {
			return true
		}
	}
	return len(q.answer.Possible) == 0
}

// byFile reports whether the packets did what the file says.
func (q question) byFile() bool {
	for _, s := range q.seen {
		if q.answer.File == nil || !q.agrees(s, q.answer.File.Verdict, q.answer.File.To) {
			return false
		}
	}
	return true
}
