// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Command bench answers: what does the agent cost a node, and what do users get
// for it? It runs two sides in turn on the same tables: this agent, and the three
// commands that ip-masq-agent 2.12 runs each interval. It needs root, iproute2,
// iptables and nft, and no network: all happens in namespaces of its own.
//
//  1. Build the agent as it ships.
//  2. Cells: for each backend and size of the nat table, starts, ticks and
//     repairs of the sides in turn, some rounds.
//  3. Minutes: all sides at the default interval at once, each with a table of
//     its own: how long a flushed chain stays so, and what idle minutes cost.
//  4. Packets: how many new connections a second pass chains of some lengths.
//  5. Print it all as Markdown.
//
// CPU is what a control group accounts to a process and to all that it starts, in
// nanoseconds. So the figures bear a busy machine better than a clock would.
// Figures are medians. A ratio is the agent's figure divided by that of the
// commands, and the median of the rounds' ratios.
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

// run is the bench, or with a verb one of the processes that it starts.
func run(args []string, stdin io.Reader, stdout io.Writer) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
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

// answer is a verb that reads its question, and writes its answer, as JSON.
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
	quick := flags.Bool("quick", false, "prove in less than a minute that the bench works; the figures are rough")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("the bench needs root for its network namespaces: run it as root")
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
	say("Building the agent as it ships, stripped")
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

// say tells of a step. The report alone goes to standard output.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "==> "+format+"\n", args...)
}
