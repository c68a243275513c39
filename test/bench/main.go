// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command bench measures what the agent costs a node, and how fast it repairs
// its rules. It compares two sides on the same tables: this agent, and the
// three commands that ip-masq-agent 2.12 runs in each interval. It needs root,
// iproute2, iptables and nft, but no network: it runs in network namespaces of
// its own.
//
//  1. Build the agent like a release.
//  2. Cells: for each backend and each size of the nat table, measure starts,
//     syncs and repairs of the two sides in turn, for some rounds.
//  3. Minutes: run both sides on all tables at once, with the default interval,
//     and measure how long a flushed chain stays flushed and what idle minutes
//     cost.
//  4. Packets: measure the cost of new connections through chains of different
//     lengths.
//  5. Print a report in Markdown.
//
// CPU time is the time that a control group accounts to a process and all
// processes that it starts. Other load on the machine affects it less than
// elapsed time. Figures are medians. A ratio is the median, over the rounds, of
// the agent's figure divided by that of the commands.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run runs the benchmark or, with a subcommand, one of the processes that it
// starts.
func run(args []string, stdin io.Reader, stdout io.Writer) error {
	subcommand := ""
	if len(args) > 0 {
		subcommand = args[0]
	}
	switch subcommand {
	case "cell":
		return answer(stdin, stdout, measureCell)
	case "minute":
		return answer(stdin, stdout, measureMinute)
	case "packets":
		return answer(stdin, stdout, measurePackets)
	case "host":
		return runHost(stdin, stdout)
	case string(commands):
		return runCommands(args[1:])
	}
	return bench(args, stdout)
}

// answer is a subcommand that reads its question and writes its answer as JSON.
func answer[Q, A any](stdin io.Reader, stdout io.Writer, measure func(Q) (A, error)) error {
	var q Q
	if err := json.NewDecoder(stdin).Decode(&q); err != nil {
		return fmt.Errorf("reading what to measure: %w", err)
	}
	a, err := measure(q)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(a)
}

func bench(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "run all measurements in less than a minute, with rough figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the benchmark needs root for its network namespaces: run it as root")
	}
	p := fullPlan()
	if *quick {
		p = quickPlan()
	}
	dir, err := os.MkdirTemp("", "ip-masq-agent-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p.Agent = filepath.Join(dir, "ip-masq-agent")
	began := time.Now()
	say("Building the agent like a release")
	if err := build(p.Agent); err != nil {
		return err
	}
	r := report{plan: p}
	if err := r.fill(); err != nil {
		return err
	}
	say("Done in %v", time.Since(began).Round(time.Second))
	return r.write(stdout)
}

// say logs a step. Only the report goes to standard output.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "==> "+format+"\n", args...)
}
