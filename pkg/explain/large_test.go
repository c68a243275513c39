// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// TestManyRulesThatMayDecide tests 30,000 rules with conditions that explain cannot
// evaluate. The time must grow with their number and not with its square. It is CPU time,
// because other programs may use the machine.
func TestManyRulesThatMayDecide(t *testing.T) {
	const n = 30_000
	chain := &netfilter.Chain{Name: "POSTROUTING", Base: true, Priority: 100, Policy: netfilter.Accept}
	for i := range n {
		action := netfilter.Masquerade
		if i%3 == 0 {
			action = netfilter.Accept
		}
		chain.Rules = append(chain.Rules, rule("", netfilter.NotUnderstood(fmt.Sprint("-m x ", i)), to(action)))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := nftables.ThreadCPU()
	a := ByKernel(ask("", "8.8.8.8"), inKernel(table(netfilter.OwnerNFTables, "ip", "nat", map[string]*netfilter.Chain{chain.Name: chain})))
	if took := nftables.ThreadCPU() - began; took > 5*time.Second { // a tenth of a second; with the square, 15 s
		t.Errorf("it took %v", took)
	}
	last := a.Possible[len(a.Possible)-1]
	if a.Verdict != netfilter.Undetermined || len(a.Possible) != n/3*2+1 || len(last.Conditions) != n/3 {
		t.Errorf("%s, with %d possible rules; no rule decides on %d conditions", a.Verdict, len(a.Possible), len(last.Conditions))
	}
}
