// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestCleanupOfNativeNodes removes the agent's chain and jumps from nodes whose
// rules iptables cannot list: with cleanup, and with the commands that its dry
// run prints.
func TestCleanupOfNativeNodes(t *testing.T) {
	own := []struct {
		name   string
		change func(n nativeNode)
	}{
		{"native rules in the chain", func(n nativeNode) {
			n.nft(`add rule IP nat IP-MASQ oifname "wg0" log prefix "x" accept`)
			n.nft("insert rule IP nat IP-MASQ ct state established accept")
		}},
		{"a line break in a comment", func(n nativeNode) {
			n.iptables("-A", "POSTROUTING", "-m", "comment", "--comment", "a\n-A POSTROUTING -j ACCEPT\nb", "-j", "IP-MASQ")
			n.iptables("-A", "IP-MASQ", "-m", "comment", "--comment", "a\nCOMMIT\nb", "-j", "RETURN")
		}},
		{"native jumps", func(n nativeNode) {
			n.nft("add rule IP nat POSTROUTING fib daddr type != local jump IP-MASQ")
			n.nft(`insert rule IP nat POSTROUTING oifname "wg0" goto IP-MASQ`)
			n.iptables("-A", "POSTROUTING", "-o", "wg1", "-j", "IP-MASQ")
		}},
		{"the rule set reloaded", func(n nativeNode) { n.reload() }},
		{"an empty chain", func(n nativeNode) { n.nft("flush chain IP nat IP-MASQ") }},
		{"a probability of zero", func(n nativeNode) {
			n.iptables("-A", "POSTROUTING", "-m", "statistic", "--mode", "random", "--probability", "0", "-j", "IP-MASQ")
		}},
	}
	for _, kind := range nativeKinds {
		eachNativeNode(t, kind.name, func(n nativeNode) {
			n.cleanup(func() {
				if kind.script != "" {
					n.nft(kind.script)
				}
				if kind.rule != "" {
					n.nft("add rule IP nat POSTROUTING " + kind.rule)
				}
			}, func(nativeNode) {})
		})
	}
	for _, c := range own {
		eachNativeNode(t, c.name, func(n nativeNode) {
			n.cleanup(func() { n.nft(`add rule IP nat POSTROUTING oifname "wg0" masquerade`) }, c.change)
		})
	}
}

// cleanup installs the agent's rules beside those of other programs, changes
// them, and removes them in both ways.
func (n nativeNode) cleanup(others func(), change func(n nativeNode)) {
	n.t.Helper()
	others()
	var before []string // rules of other programs
	install := func() {
		n.t.Helper()
		n.config.write(n.t, n.oneRange())
		p := n.start()
		n.waitNative(n.oneRangeNative())
		p.Stop(terminate)
		change(n)
		before = n.others()
	}
	checkRemoved := func(how string) {
		n.t.Helper()
		chain, jumps, others := n.parts()
		if len(chain) > 0 || len(jumps) > 0 {
			n.t.Errorf("after %s: chain %q, jumps %q", how, chain, jumps)
		}
		if diff := cmp.Diff(before, others); diff != "" {
			n.t.Errorf("rules of other programs after %s (-before +after):\n%s", how, diff)
		}
	}

	install()
	installed := ruleset(n.t)
	dry := n.dryRun()
	if diff := cmp.Diff(installed, ruleset(n.t)); diff != "" {
		n.t.Fatalf("a dry run changed the rule set (-before +after):\n%s", diff)
	}
	for _, step := range dryRunSteps(dry) {
		netns.Feed(n.t, step.input, step.command[0], step.command[1:]...)
	}
	checkRemoved("the commands of " + dry)

	install()
	n.subcommand("cleanup")
	checkRemoved("cleanup")
	generation := netns.Generation(n.t)
	n.subcommand("cleanup")
	if after := netns.Generation(n.t); after != generation {
		n.t.Error("a second cleanup wrote to the kernel")
	}
}

// subcommand runs a subcommand, which must succeed, and returns its output.
func (n nativeNode) subcommand(args ...string) string {
	n.t.Helper()
	out, err := program.Command(nil, args...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// dryRun runs cleanup --dry-run, which must find something to remove, and
// returns its output.
func (n nativeNode) dryRun() string {
	n.t.Helper()
	cmd := program.Command(nil, "cleanup", "--dry-run")
	out, err := cmd.CombinedOutput()
	if status := cmd.ProcessState.ExitCode(); status != 1 {
		n.t.Fatalf("cleanup --dry-run ended with status %d (%v), want 1:\n%s", status, err, out)
	}
	return string(out)
}

// dryRunStep is a command that cleanup --dry-run prints, with its input.
type dryRunStep struct {
	command []string
	input   string
}

var (
	dryRunCommand = regexp.MustCompile(`as input to (.*):$`)
	dryRunTable   = regexp.MustCompile(`^\S+ +IPv[46] `)
)

// dryRunSteps parses the output of cleanup --dry-run.
func dryRunSteps(text string) []dryRunStep {
	var out []dryRunStep
	in := false
	for line := range strings.Lines(text) {
		if dryRunTable.MatchString(line) {
			in = false
		}
		if m := dryRunCommand.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			out, in = append(out, dryRunStep{command: strings.Fields(m[1])}), true
			continue
		}
		if in {
			out[len(out)-1].input += line
		}
	}
	return out
}
