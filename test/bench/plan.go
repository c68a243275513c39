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

	Busy time.Duration // how long a kube-proxy commits all the time

	Interval time.Duration // resyncInterval of the minutes
	Load     time.Duration // by then all tables of the minutes are loaded
	Idle     int           // intervals in which nothing happens

	PacketRounds int
	Connections  int // of a packet run: short runs, so that many of them meet no other load
	CIDRs        []int
}

func fullPlan() plan {
	return plan{
		Services: []int{0, 1000, 5000}, Rounds: 5, Ticks: 1200 * time.Millisecond, Repairs: 3, Busy: 10 * time.Second,
		Interval: time.Minute, Load: 30 * time.Second, Idle: 3,
		PacketRounds: 15, Connections: 1000, CIDRs: []int{4, 64, 1000, 10000},
	}
}

func quickPlan() plan {
	return plan{
		Services: []int{0, 100}, Rounds: 1, Ticks: 500 * time.Millisecond, Repairs: 1, Busy: time.Second,
		Interval: 6 * time.Second, Load: 5 * time.Second, Idle: 1,
		PacketRounds: 2, Connections: 500, CIDRs: []int{4, 64, 1000, 10000},
	}
}

const (
	// tickInterval is the resyncInterval of runs that count ticks: the least
	// that the agent takes.
	tickInterval = 100 * time.Millisecond
	// repairInterval leaves time to break a chain between two ticks.
	repairInterval = 300 * time.Millisecond
	// patience bounds every wait; only a failure reaches it.
	patience = 30 * time.Second
)
