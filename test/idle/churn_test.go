// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/rules"
)

// TestChurn: where kube-proxy commits ten times a second the agent follows only
// as far as its budget of 2 % of one CPU allows, and still heals.
func TestChurn(t *testing.T) {
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			host := backend // kube-proxy's
			if backend == netns.NFTables {
				host = "iptables-nft"
			}
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Command(host, "IPv4", "restore"))...)
			netns.Run(t, func(t *testing.T) {
				netns.Restore(t, host, "IPv4", services(500))
				n := start(t, backend, "IPv4", "60s")
				commits := kubeProxy(t, host)
				n.withinBudget(20 * time.Second)

				rules.Damage(t, n.rules, n.rules.Flush)
				took := n.waitRight()
				t.Logf("healed after %v", took.Round(10*time.Millisecond))
				if took > healingTime {
					t.Errorf("healed after %v, want some seconds", took)
				}
				if got := commits(); got < 60 { // of more than 200 on an idle machine
					t.Errorf("there were %d commits in more than 20 s: that is no churn", got)
				}
			})
		})
	}
}

// withinBudget watches for a while what the agent costs, its own time included,
// which the budget of 2 % leaves out.
func (n *node) withinBudget(watch time.Duration) {
	n.t.Helper()
	began, calls, syncs, before := time.Now(), len(n.called()), n.syncs(), n.cpu()
	time.Sleep(watch)
	percent := 100 * float64(n.cpu()-before) / float64(time.Since(began))
	ran := len(n.called()) - calls
	n.t.Logf("in %v the agent took %.1f %% of one CPU, for %d commands", watch, percent, ran)
	if percent > 5 {
		n.t.Errorf("the agent took %.1f %% of one CPU, want about 2 %%", percent)
	}
	if ran > 0 { // the kernel is asked itself
		n.t.Errorf("the agent ran %d commands to look into the commits", ran)
	}
	if n.syncs() == syncs {
		n.t.Error("the agent did not look into any commit")
	}
}

// kubeProxy commits ten times a second until the test ends. It returns what
// tells the number of commits, and stops it.
func kubeProxy(t testing.TB, backend string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		commits := 0
		defer func() { done <- commits }()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := range 600 { // no more than a minute
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// Another number of endpoints each time, so that legacy's size changes too.
			rules := "*nat\n:KUBE-SVC-CHURN - [0:0]\n" + strings.Repeat("-A KUBE-SVC-CHURN -j KUBE-SEP-0\n", 1+i%7) + "COMMIT\n"
			cmd := exec.CommandContext(ctx, netns.Command(backend, "IPv4", "restore"), "-w", "5", "--noflush")
			cmd.Stdin = strings.NewReader(rules)
			if cmd.Run() == nil {
				commits++
			}
		}
	}()
	return func() int { cancel(); return <-done }
}

// services is a nat table with chains and rules as kube-proxy has them.
func services(n int) string {
	var chains, rules strings.Builder
	for i := range n {
		fmt.Fprintf(&chains, ":KUBE-SVC-%[1]d - [0:0]\n:KUBE-SEP-%[1]d - [0:0]\n", i)
		fmt.Fprintf(&rules, "-A KUBE-SERVICES -d 10.96.%d.%d/32 -p tcp -m comment --comment \"ns/svc%d:http cluster IP\" -m tcp --dport 80 -j KUBE-SVC-%d\n", i/256, i%256, i, i)
		fmt.Fprintf(&rules, "-A KUBE-SVC-%d -m comment --comment \"ns/svc%d:http\" -j KUBE-SEP-%d\n", i, i, i)
		fmt.Fprintf(&rules, "-A KUBE-SEP-%d -p tcp -m tcp -j DNAT --to-destination 10.244.%d.%d:8080\n", i, i/256, i%256)
	}
	return "*nat\n:KUBE-SERVICES - [0:0]\n" + chains.String() +
		"-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n" + rules.String() + "COMMIT\n"
}
