// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// TestManyConflicts tests 20,000 rules that contradict the file, each for another
// source. The time must grow with their number and not with its square. It is CPU time,
// because other programs may use the machine.
func TestManyConflicts(t *testing.T) {
	const many = 20_000
	var rules []netfilter.Rule
	for i := range many {
		source := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		text := fmt.Sprintf("-s %s", source)
		rules = append(rules, rule(text, netfilter.SourceIn(netip.PrefixFrom(source, 32), false, text), to(netfilter.Masquerade)))
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := nftables.ThreadCPU()
	n := node(rule("-j BIG", netfilter.Verdict{Action: netfilter.Jump, Chain: "BIG"}))
	n.Rules.Tables[0].Chains["BIG"] = &netfilter.Chain{Name: "BIG", Rules: rules}
	found := checkForeignRules(n)
	if took := nftables.ThreadCPU() - began; took > 20*time.Second { // a second; with the square, minutes
		t.Errorf("it took %v", took)
	}
	if len(found) != many {
		t.Errorf("%d findings, want one for each of %d rules", len(found), many)
	}
}
