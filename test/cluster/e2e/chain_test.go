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

// ourJump is the agent's rule in POSTROUTING, as iptables -S prints it.
const ourJump = `-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ`

// keeps is the chain of a configuration with these nonMasqueradeCIDRs, as
// iptables -S IP-MASQ prints it.
func keeps(cidrs ...string) string {
	var b strings.Builder
	b.WriteString("-N IP-MASQ\n")
	for _, cidr := range append([]string{"169.254.0.0/16"}, cidrs...) {
		fmt.Fprintf(&b, `-A IP-MASQ -d %s -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`+"\n", cidr)
	}
	b.WriteString(`-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully` + "\n")
	return b.String()
}

// defaults is the chain where no ConfigMap says otherwise.
func defaults() string { return keeps("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16") }

// rulesAre complains unless the node has exactly this chain, and one jump to it.
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

// jumps lists the rules of POSTROUTING that lead to our chain.
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

// withoutWarnings drops the lines in which one backend speaks of the other.
func withoutWarnings(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// everyNodeGets waits until each node has this chain.
func everyNodeGets(t *testing.T, want string) {
	t.Helper()
	for _, n := range nodes(t) {
		eventually(t, editLimit, func() error { return n.rulesAre(want) })
	}
}

// everyNodeHas says that each node has this chain now.
func everyNodeHas(t *testing.T, want string) {
	t.Helper()
	for _, n := range nodes(t) {
		if err := n.rulesAre(want); err != nil {
			t.Error(err)
		}
	}
}

// watch looks at the nodes' rules again and again until the function that it
// returns is called, which reports if they ever were other than these.
func watch(t *testing.T, all []node, want string) (stop func()) {
	t.Helper()
	return watchFor(t, all, func(n node) error { return n.rulesAre(want) })
}

// watchFor is watch for any complaint about a node.
func watchFor(t *testing.T, all []node, complaint func(node) error) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	looks := make([]int, len(all))
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
				wrong[i] = complaint(n)
				looks[i]++
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
			case looks[i] == 0:
				t.Errorf("nobody looked at the rules of %s", n.name)
			default:
				t.Logf("%s: looked at the rules %d times, right each time", n.name, looks[i])
			}
		}
	}
}
