// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os/exec"
	"time"
)

// side is one of the two programs that are compared.
type side string

const (
	theAgent side = "agent"
	commands side = "commands"
)

func sides() []side { return []side{theAgent, commands} }

// on returns the table of a side. 2.12 has no backend nftables, so there its
// commands use iptables-nft.
func (s side) on(t table) *table {
	if s == commands && t.Backend == nftables {
		t.Backend = iptablesNFT
	}
	return &t
}

// address is where each side serves the number of its syncs, as the metric
// syncs_total.
const address = "127.0.0.1:10292"

// command returns the command of a side for the default configuration, with a
// file that sets the interval.
func (s side) command(binary, backend, file string, interval time.Duration) *exec.Cmd {
	if s == theAgent {
		return exec.Command(binary, "--config="+file, "--backend="+backend, "--http-bind-address="+address)
	}
	return exec.Command("/proc/self/exe", string(s), backend, interval.String())
}
