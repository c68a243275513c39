// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import "time"

// plan is how much is measured.
type plan struct {
	Agent    string // the binary
	Services []int
	Rounds   int           // of a cell
	Ticks    time.Duration // the window in which ticks are counted
	Repairs  int           // in a row

	Interval time.Duration // resyncInterval of the minute
	Load     time.Duration // by then all tables of the minute are loaded
	Idle     time.Duration // the window in which nothing happens

	PacketRounds int
	Connections  int // of a packet run: short runs, so that many of them meet no other load
	CIDRs        []int
}

func fullPlan() plan {
	return plan{
		Services: []int{0, 1000, 5000}, Rounds: 3, Ticks: 1200 * time.Millisecond, Repairs: 3,
		Interval: time.Minute, Load: 15 * time.Second, Idle: 20 * time.Second,
		PacketRounds: 40, Connections: 1000, CIDRs: []int{4, 64, 1000},
	}
}

func quickPlan() plan {
	return plan{
		Services: []int{0, 100}, Rounds: 1, Ticks: 500 * time.Millisecond, Repairs: 1,
		Interval: 6 * time.Second, Load: 3 * time.Second, Idle: 2 * time.Second,
		PacketRounds: 10, Connections: 1000, CIDRs: []int{4, 64, 1000},
	}
}

const (
	// tickInterval is the resyncInterval of runs that count ticks: the least
	// that the agent takes. The kernel tells children's CPU time in steps of
	// 10 ms, so a window needs many.
	tickInterval = 100 * time.Millisecond
	// repairInterval leaves time to break a chain between two ticks.
	repairInterval = 300 * time.Millisecond
	// patience bounds every wait; only a failure reaches it.
	patience = 30 * time.Second
)
