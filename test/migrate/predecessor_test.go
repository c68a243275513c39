// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package migrate_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// predecessor runs the three commands that ip-masq-agent 2.10 to 2.12 runs
// every minute. Its function syncMasqRules (kubernetes-sigs/ip-masq-agent,
// cmd/ip-masq-agent/ip-masq-agent.go) calls EnsureChain, EnsureRule and
// RestoreAll of k8s.io/kubernetes/pkg/util/iptables.
type predecessor struct {
	t               *testing.T
	backend, family string
	chain           string
}

// jump returns its jump rule, as "iptables -S" prints it. The quotation marks
// are a part of the comment.
func (p predecessor) jump() string {
	return fmt.Sprintf(`-A POSTROUTING -m comment --comment "\"%s\"" -m addrtype ! --dst-type LOCAL -j %s`, p.comment(), p.chain)
}

func (p predecessor) comment() string {
	return "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom " + p.chain + " chain"
}

// rules returns the rules of its chain for these nonMasqueradeCIDRs, as
// "iptables -S" prints them.
func (p predecessor) rules(keep ...string) []string {
	lines := []string{"-N " + p.chain}
	for _, cidr := range append([]string{p.linkLocal()}, keep...) {
		lines = append(lines, fmt.Sprintf(`-A %s -d %s -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN`, p.chain, cidr))
	}
	return append(lines, fmt.Sprintf(`-A %s -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully`, p.chain))
}

func (p predecessor) linkLocal() string {
	if p.family == "IPv6" {
		return "fe80::/10"
	}
	return "169.254.0.0/16"
}

// sync writes the rules once.
func (p predecessor) sync(keep ...string) {
	p.t.Helper()
	iptables := func(args ...string) error {
		return exec.Command(netns.Command(p.backend, p.family), append([]string{"-w", "5", "-t", "nat"}, args...)...).Run()
	}
	iptables("-N", p.chain) // fails if it exists
	rule := []string{"POSTROUTING", "-m", "comment", "--comment", `"` + p.comment() + `"`, "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", p.chain}
	if iptables(append([]string{"-C"}, rule...)...) != nil {
		if err := iptables(append([]string{"-A"}, rule...)...); err != nil {
			p.t.Fatalf("adding the jump of 2.x: %v", err)
		}
	}
	lines := p.rules(keep...)
	lines[0] = ":" + p.chain + " - [0:0]"
	netns.Restore(p.t, p.backend, p.family, "*nat\n"+strings.Join(lines, "\n")+"\nCOMMIT\n")
}
