// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import "time"

// plan is the extent of the measurements.
type plan struct {
	Agent    string // the binary
	Services []int
	Rounds   int           // rounds of a cell
	Ticks    time.Duration // the time in which syncs are counted
	Repairs  int           // consecutive repairs

	Busy time.Duration // how long kube-proxy is busy

	Interval time.Duration // resyncInterval in the minutes
	Load     time.Duration // the time after which all tables of the minutes are loaded
	Idle     int           // idle intervals

	PacketRounds int
	Connections  int // per run: runs are short, so that many of them meet no other load
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
	// tickInterval is the resyncInterval for runs that count syncs: the minimum
	// that the agent accepts.
	tickInterval = 100 * time.Millisecond
	// repairInterval leaves time to damage the chain between two syncs.
	repairInterval = 300 * time.Millisecond
	// patience is the time limit of every wait. Only a failure reaches it.
	patience = 30 * time.Second
)
