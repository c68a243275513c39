// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// runCommands does only what ip-masq-agent 2.12 does: its function
// syncMasqRules (kubernetes-sigs/ip-masq-agent,
// cmd/ip-masq-agent/ip-masq-agent.go) calls EnsureChain, EnsureRule and
// RestoreAll of k8s.io/kubernetes/pkg/util/iptables, and repeats that after the
// interval. So a sync is three commands. 2.12 runs plain iptables; here they
// are the commands of a backend.
func runCommands(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if len(args) != 2 {
		return fmt.Errorf("%s: want a backend and an interval, not %q", commands, args)
	}
	interval, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	var ticks atomic.Int64
	go http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %d\n", syncsMetric, ticks.Load())
	}))
	for {
		if err := tick(args[0]); err != nil {
			return err
		}
		ticks.Add(1)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

func tick(iptables string) error {
	run := func(stdin, name string, args ...string) error {
		cmd := exec.Command(name, append([]string{"-w", "5"}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
		}
		return nil
	}
	if err := run("", iptables, "-N", "IP-MASQ", "-t", "nat"); err != nil && !exitedWith1(err) {
		return err // status 1: the chain exists
	}
	jump := []string{"POSTROUTING", "-t", "nat", "-m", "comment", "--comment", jumpComment, "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", "IP-MASQ"}
	err := run("", iptables, append([]string{"-C"}, jump...)...)
	if exitedWith1(err) {
		err = run("", iptables, append([]string{"-A"}, jump...)...)
	}
	if err != nil {
		return err
	}
	return run("*nat\n"+chainRules+"COMMIT\n", iptables+"-restore", "--noflush")
}

func exitedWith1(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 1
}
