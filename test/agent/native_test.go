// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

// nativeKinds are nodes whose nat table iptables cannot list or lists wrongly.
// rule is a rule of POSTROUTING, script is everything else.
var nativeKinds = []struct{ name, script, rule string }{
	{"masquerade", "", `oifname "wg0" masquerade`},
	{"snat", "", `oifname "wg0" snat to ADDR`},
	{"mark", "", `oifname "wg0" meta mark set 0x80`},
	{"match on a mark", "", `meta mark & 0xff == 0x80 counter masquerade`},
	{"ct", "", `oifname "wg0" ct status dnat ct mark set 0x5`},
	{"fib", "", `fib daddr type local counter accept`},
	{"log", "", `oifname "wg0" log prefix "odd } ; text: "`},
	{"limit", "", `oifname "wg0" limit rate 5/second counter`},
	{"quota", "", `oifname "wg0" quota over 100 mbytes counter`},
	{"named set", "table IP nat { set s { type TYPE ; flags interval ; elements = { OTHER } ; } ; }", `IP daddr @s accept`},
	{"anonymous set", "", `IP daddr { OTHER, ADDR } accept`},
	{"verdict map", "table IP nat { chain side { } ; }", `IP daddr vmap { OTHER : jump side, ADDR : accept }`},
	{"native chain behind a jump", `table IP nat { chain ts-postrouting { meta mark & 0x00ff0000 == 0x00040000 counter masquerade ; } ; }`, `counter jump ts-postrouting`},
	{"base chain in the same table", `table IP nat { chain mine { type nat hook postrouting priority srcnat + 10 ; oifname "wg0" masquerade ; } ; }`, ""},
	{"another table", `table inet firewalld {
		chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10 ; jump nat_POST ; }
		chain nat_POST { meta nfproto ipv4 oifname "wg0" masquerade ; }
	}`, ""},
}

// TestRulesOfOthersDoNotPreventItsOwn runs the agent on each kind of node from a cold start to a
// restart, with the native rule before and after the agent's jump. See also
// TestReloadedRuleset, and the stories in test/stories/testdata/iptables-nft.
func TestRulesOfOthersDoNotPreventItsOwn(t *testing.T) {
	for _, kind := range nativeKinds {
		eachNativeNode(t, kind.name, func(n nativeNode) {
			if kind.script != "" {
				n.nft(kind.script)
			}
			if kind.rule != "" {
				n.nft("add rule IP nat POSTROUTING " + kind.rule)
			}
			others := n.others()
			n.runLifecycle(others)
			if kind.rule != "" {
				n.nft("add rule IP nat POSTROUTING " + kind.rule)
				n.runLifecycle(n.others())
			}
		})
	}
}

// runLifecycle starts the agent on the node, edits the file, damages the rules and
// restarts the agent. others are the rules of other programs.
func (n nativeNode) runLifecycle(others []string) {
	n.t.Helper()
	n.config.write(n.t, n.oneRange())
	p := n.start() // without rules, or with those of an earlier call
	n.waitNative(n.oneRangeNative())
	n.ready()
	n.config.write(n.t, n.threeRanges())
	n.waitNative(n.threeRangesNative())
	n.nft("flush chain IP nat IP-MASQ")
	n.waitNative(n.threeRangesNative())
	n.nft("delete rule IP nat POSTROUTING handle " + n.jumpHandles()[0])
	n.waitNative(n.threeRangesNative())
	n.ready()
	n.checkOthers(others)
	p.Stop(terminate)
	n.restart(n.threeRangesNative()).Stop(terminate)
	n.checkOthers(others)
}

// readyz reads /readyz.
func readyz() (status int, body string) {
	r, err := http.Get("http://127.0.0.1:10292/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return r.StatusCode, strings.TrimSpace(string(text))
}

// ready waits until the agent is ready, which means that it has verified its
// rules.
func (n *node) ready() {
	n.t.Helper()
	program.Eventually(n.t, func() string {
		if status, body := readyz(); status != http.StatusOK {
			return "not ready: " + body
		}
		return ""
	})
}
