// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/program"
)

// TestReloadedRuleset reloads the agent's own rules with nft, after which all
// of them are native.
func TestReloadedRuleset(t *testing.T) {
	eachNativeNode(t, "before an edit", func(n nativeNode) {
		p := n.startRight(n.oneRange(), n.oneRangeChain())
		n.reload()
		n.waitNative(n.oneRangeNative())
		n.ready()
		n.config.write(n.t, n.threeRanges())
		n.waitNative(n.threeRangesNative())
		n.ready()
		p.Stop(terminate)
		n.restart(n.threeRangesNative()).Stop(terminate)
	})
	eachNativeNode(t, "after an edit", func(n nativeNode) {
		p := n.startRight(n.oneRange(), n.oneRangeChain())
		n.config.write(n.t, n.threeRanges())
		n.waitNative(n.threeRangesNative())
		n.reload()
		n.waitNative(n.threeRangesNative())
		n.nft("flush chain IP nat IP-MASQ")
		n.waitNative(n.threeRangesNative())
		n.ready()
		p.Stop(terminate)
		n.restart(n.threeRangesNative()).Stop(terminate)
	})
	eachNativeNode(t, "without the agent", func(n nativeNode) {
		n.startRight(n.oneRange(), n.oneRangeChain()).Stop(terminate)
		n.reload()
		p := n.start()
		n.waitNative(n.oneRangeNative())
		n.ready()
		n.config.write(n.t, n.threeRanges())
		n.waitNative(n.threeRangesNative())
		p.Stop(terminate)
		n.restart(n.threeRangesNative())
	})
}

// TestNativeChainIsTakenOver starts on a node where nft has written a chain
// IP-MASQ.
func TestNativeChainIsTakenOver(t *testing.T) {
	for name, rules := range map[string]string{
		"other rules":       "IP daddr KEPT return ; masquerade",
		"the agent's rules": "IP daddr LINKLOCAL counter return ; IP daddr KEPT counter return ; counter masquerade fully-random",
		"unusual rules":     `meta length > 5 log prefix "x" ; IP daddr @s accept ; numgen random mod 2 vmap { 0 : accept, 1 : return }`,
	} {
		eachNativeNode(t, name, func(n nativeNode) {
			n.nft("table IP nat { set s { type TYPE ; } ; chain IP-MASQ { " + rules + " ; } ; }")
			n.runLifecycle(n.others())
		})
	}
}

// TestNativeJumpIsAdopted starts on a node where nft has written the jump.
func TestNativeJumpIsAdopted(t *testing.T) {
	for _, jump := range []string{"fib daddr type != local counter jump IP-MASQ", `fib daddr type != local jump IP-MASQ comment "boot"`} {
		eachNativeNode(t, jump, func(n nativeNode) {
			n.nft("table IP nat { chain IP-MASQ { } ; }")
			n.nft("add rule IP nat POSTROUTING " + jump)
			others, handles := n.others(), n.jumpHandles()
			n.config.write(n.t, n.oneRange())
			p := n.start()
			n.waitNative(n.oneRangeNative())
			n.config.write(n.t, n.threeRanges())
			n.waitNative(n.threeRangesNative())
			n.ready()
			if got := n.jumpHandles(); strings.Join(got, " ") != strings.Join(handles, " ") {
				n.t.Errorf("the jump has handle %s, want %s as before", got, handles)
			}
			n.checkOthers(others)
			p.Stop(terminate)
			n.runLifecycle(others)
		})
	}
}

// TestNativeJumpsThatDiffer checks that the agent does not take over a native
// rule that has another condition or another verdict than its own jump.
func TestNativeJumpsThatDiffer(t *testing.T) {
	for _, rule := range []string{
		"fib daddr type local jump IP-MASQ", "fib saddr type != local jump IP-MASQ", "fib daddr type != local goto IP-MASQ",
		`fib daddr type != local oifname "wg0" jump IP-MASQ`, "fib daddr type != unicast jump IP-MASQ", "fib daddr . oif type != local jump IP-MASQ",
		"fib daddr type != local numgen random mod 2 0 jump IP-MASQ", "IP daddr vmap { OTHER : jump IP-MASQ }",
	} {
		eachNativeNode(t, rule, func(n nativeNode) {
			n.nft("table IP nat { chain IP-MASQ { } ; }")
			n.nft("add rule IP nat POSTROUTING " + rule)
			before := n.handles()
			n.config.write(n.t, n.oneRange())
			n.start()
			program.Eventually(n.t, func() string {
				chain, jumps, _ := n.parts()
				if !endsWithOurs(jumps) {
					return "the agent has not written its own jump: " + strings.Join(jumps, ", ")
				}
				return cmp.Diff(n.oneRangeNative(), withoutHandles(chain))
			})
			for _, h := range before {
				if !strings.Contains(strings.Join(ruleset(n.t), "\n")+"\n", h+"\n") {
					n.t.Errorf("a rule of another program is gone: %s", h)
				}
			}
		})
	}
}

// handles returns the rules of POSTROUTING that lead to the agent's chain, with
// their handles.
func (n nativeNode) handles() []string {
	n.t.Helper()
	var out []string
	for _, line := range ruleset(n.t) {
		if strings.Contains(line, "jump IP-MASQ") || strings.Contains(line, "goto IP-MASQ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

func endsWithOurs(jumps []string) bool {
	return len(jumps) > 0 && withoutHandle(jumps[len(jumps)-1]) == "fib daddr type != local counter jump IP-MASQ"
}
