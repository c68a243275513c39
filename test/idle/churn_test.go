// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package idle_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// TestChurn commits ten times a second, like a busy kube-proxy. The agent
// checks commits only as far as its CPU limit of 2 % of one CPU allows, and
// must still repair its rules.
func TestChurn(t *testing.T) {
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			host := backend // the backend of kube-proxy
			if backend == netns.NFTables {
				host = "iptables-nft"
			}
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Command(host, "IPv4", "restore"))...)
			netns.Run(t, func(t *testing.T) {
				netns.Restore(t, host, "IPv4", services(500))
				n := start(t, backend, "IPv4", "60s")
				commits := kubeProxy(t, host)
				n.checkCPU(20*time.Second, commits.enough)

				if took := n.repairs(n.rules.Flush); took > repairTime {
					t.Errorf("repaired after %v, want a few seconds", took)
				}
				if got := commits.end(); got < minCommits {
					t.Errorf("only %d commits, too few for the test", got)
				}
			})
		})
	}
}

// checkCPU measures the agent's use of the CPU for a while and until enough returns
// true, including its own time, which the limit of 2 % does not count.
func (n *node) checkCPU(watch time.Duration, enough func() bool) {
	n.t.Helper()
	began, calls, syncs, before := time.Now(), len(n.called()), n.syncs(), n.cpu()
	time.Sleep(watch)
	for !enough() && time.Since(began) < 5*watch { // on a busy machine
		time.Sleep(100 * time.Millisecond)
	}
	percent := 100 * float64(n.cpu()-before) / float64(time.Since(began))
	ran := len(n.called()) - calls
	n.t.Logf("in %v the agent used %.1f %% of one CPU and ran %d commands", time.Since(began).Round(time.Second), percent, ran)
	if percent > 5 {
		n.t.Errorf("the agent used %.1f %% of one CPU, want about 2 %%", percent)
	}
	if ran > 0 { // the agent reads the kernel without commands
		n.t.Errorf("the agent ran %d commands to check the commits", ran)
	}
	if n.syncs() == syncs {
		n.t.Error("the agent did not check any commit")
	}
}

// minCommits is the number of commits that the test needs to be worth anything. An
// idle machine makes more than 200 in 20 s.
const minCommits = 60

// commits are those of a kube-proxy.
type commits struct {
	made   atomic.Int64
	cancel context.CancelFunc
	done   chan struct{}
}

// enough reports whether there are enough commits.
func (c *commits) enough() bool { return c.made.Load() >= minCommits }

// end ends the kube-proxy and returns the number of commits.
func (c *commits) end() int64 {
	c.cancel()
	<-c.done
	return c.made.Load()
}

// kubeProxy commits ten times a second until the end of the test.
func kubeProxy(t testing.TB, backend string) *commits {
	ctx, cancel := context.WithCancel(t.Context())
	c := &commits{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// Change the number of endpoints, so that the size of a legacy
			// table changes too.
			rules := "*nat\n:KUBE-SVC-CHURN - [0:0]\n" + strings.Repeat("-A KUBE-SVC-CHURN -j KUBE-SEP-0\n", 1+i%7) + "COMMIT\n"
			cmd := exec.CommandContext(ctx, netns.Command(backend, "IPv4", "restore"), "-w", "5", "--noflush")
			cmd.Stdin = strings.NewReader(rules)
			if cmd.Run() == nil {
				c.made.Add(1)
			}
		}
	}()
	return c
}

// services returns a nat table with chains and rules like those of kube-proxy.
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
