// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os/exec"
	"time"
)

// side is one of what is compared.
type side string

const (
	theAgent side = "agent"
	commands side = "commands"
)

func sides() []side { return []side{theAgent, commands} }

// on is the table of a side. 2.12 knows no backend nftables; beside that, its
// commands run on iptables-nft.
func (s side) on(t table) *table {
	if s == commands && t.Backend == nftables {
		t.Backend = iptablesNFT
	}
	return &t
}

// address is where each side counts its ticks, as the metric syncs_total.
const address = "127.0.0.1:10292"

// command is how a side is started: to keep the chain of the default
// configuration, from a file that says the interval.
func (s side) command(binary, backend, file string, interval time.Duration) *exec.Cmd {
	if s == theAgent {
		return exec.Command(binary, "--config="+file, "--backend="+backend, "--http-bind-address="+address)
	}
	return exec.Command("/proc/self/exe", string(s), backend, interval.String())
}
