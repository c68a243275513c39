// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// side is one of what is compared.
type side string

const (
	theAgent side = "agent"
	noLooks  side = "no-looks"
	commands side = "commands"
)

func sides() []side { return []side{theAgent, noLooks, commands} }

// address is where each side counts its ticks, as the metric syncs_total.
const address = "127.0.0.1:10292"

// command is how a side is started: to keep the chain of the default
// configuration, from a file that says the interval.
func (s side) command(binary, backend, file string, interval time.Duration) *exec.Cmd {
	switch s {
	case theAgent:
		return exec.Command(binary, "--config="+file, "--backend="+backend, "--http-bind-address="+address)
	case noLooks:
		return exec.Command("/proc/self/exe", string(s), backend, file)
	}
	return exec.Command("/proc/self/exe", string(s), backend, interval.String())
}

// runNoLooks is the agent, wired as its main wires it, on a table that cannot
// be looked at. A flag of the product for it would be one too many.
func runNoLooks(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(args) != 2 {
		return fmt.Errorf("%s: want a backend and a file, not %q", noLooks, args)
	}
	observer := status.New("bench", []netfilter.Family{netfilter.IPv4})
	go observer.Serve(ctx, address)
	a := agent.Agent{
		ConfigFile: args[1],
		Config:     config.Options{},
		Tables:     map[netfilter.Family]agent.Table{netfilter.IPv4: blind{backend.NewTable(backend.Name(args[0]), netfilter.IPv4, masq.Options{ChainName: "IP-MASQ", RandomFully: true})}},
		Observer:   observer,
	}
	a.Run(ctx)
	return nil
}

// blind is a table that tells nothing without a process.
type blind struct{ agent.Table }

func (blind) Look() (netfilter.Change, error) { return netfilter.ChangeUnknown, nil }
