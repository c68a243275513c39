// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ourJump is the jump rule of the agent, as iptables -S prints it.
const ourJump = `-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ`

// chain returns the chain for these nonMasqueradeCIDRs, as iptables -S IP-MASQ
// prints it.
func chain(cidrs ...string) string {
	var b strings.Builder
	b.WriteString("-N IP-MASQ\n")
	for _, cidr := range append([]string{"169.254.0.0/16"}, cidrs...) {
		fmt.Fprintf(&b, `-A IP-MASQ -d %s -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`+"\n", cidr)
	}
	b.WriteString(`-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully` + "\n")
	return b.String()
}

// defaultChain returns the chain without a ConfigMap.
func defaultChain() string { return chain("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16") }

// rulesAre returns an error unless the node has exactly this chain and one jump
// to it.
func (n node) rulesAre(want string) error {
	got, err := n.iptables("-t", "nat", "-S", "IP-MASQ")
	if err != nil {
		return fmt.Errorf("on %s: %w: %s", n.name, err, got)
	}
	if diff := cmp.Diff(want, withoutWarnings(got)); diff != "" {
		return fmt.Errorf("IP-MASQ on %s (-want +got):\n%s", n.name, diff)
	}
	jumps, err := n.jumps()
	if err != nil {
		return err
	}
	if len(jumps) != 1 {
		return fmt.Errorf("on %s POSTROUTING has %d jumps to IP-MASQ, want 1: %q", n.name, len(jumps), jumps)
	}
	return nil
}

// jumps returns the rules of POSTROUTING that lead to the agent's chain.
func (n node) jumps() ([]string, error) {
	out, err := n.iptables("-t", "nat", "-S", "POSTROUTING")
	if err != nil {
		return nil, fmt.Errorf("on %s: %w: %s", n.name, err, out)
	}
	var jumps []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, "-j IP-MASQ") {
			jumps = append(jumps, line)
		}
	}
	return jumps, nil
}

// withoutWarnings removes the lines in which one backend warns about rules in
// the other.
func withoutWarnings(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// waitForChain waits until each node has this chain.
func waitForChain(t *testing.T, want string) {
	t.Helper()
	for _, n := range nodes(t) {
		eventually(t, editLimit, func() error { return n.rulesAre(want) })
	}
}

// checkChain checks that each node has this chain.
func checkChain(t *testing.T, want string) {
	t.Helper()
	for _, n := range nodes(t) {
		if err := n.rulesAre(want); err != nil {
			t.Error(err)
		}
	}
}

// watch checks the nodes' rules repeatedly until stop is called, which reports
// if they were ever different.
func watch(t *testing.T, all []node, want string) (stop func()) {
	t.Helper()
	return watchFor(t, all, func(n node) error { return n.rulesAre(want) })
}

// watchFor is watch for any check of a node.
func watchFor(t *testing.T, all []node, check func(node) error) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	checks := make([]int, len(all))
	wrong := make([]error, len(all))
	var wg sync.WaitGroup
	for i, n := range all {
		wg.Go(func() {
			for wrong[i] == nil {
				select {
				case <-done:
					return
				case <-time.After(50 * time.Millisecond):
				}
				wrong[i] = check(n)
				checks[i]++
			}
		})
	}
	return func() {
		t.Helper()
		close(done)
		wg.Wait()
		for i, n := range all {
			switch {
			case wrong[i] != nil:
				t.Errorf("the rules were wrong for a moment: %v", wrong[i])
			case checks[i] == 0:
				t.Errorf("the rules of %s were never checked", n.name)
			default:
				t.Logf("%s: checked the rules %d times without an error", n.name, checks[i])
			}
		}
	}
}
