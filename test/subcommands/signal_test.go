// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/program"
)

// TestInterruptedWhileWaitingForInput checks that ^C ends "check -" while it
// reads from a terminal.
func TestInterruptedWhileWaitingForInput(t *testing.T) {
	// A shell starts programs in the background with an ignored SIGINT, which the
	// command would inherit. Signals that are handled have their default in it.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGINT)
	defer signal.Stop(handled)

	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	cmd := program.Command(nil, "check", "-")
	cmd.Stdin = read
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(program.Patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v, want by SIGINT", cmd.ProcessState)
	}
}
