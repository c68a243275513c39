// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestVerbosity checks that the log has each command and its input at level 4,
// for the whole program or for the source file that runs commands.
func TestVerbosity(t *testing.T) {
	for flags, want := range map[string]bool{
		"--v=0":                  false,
		"-v=3":                   false,
		"-v=4":                   true,
		"-v 4":                   true,
		"--vmodule=exec=4":       true,
		"-vmodule=exec=4":        true,
		"--vmodule=source=4":     false,
		"-logtostderr=true -v=5": true,
	} {
		t.Run(flags, func(t *testing.T) {
			netns.Run(t, func(t *testing.T) {
				n := newNode(t, "iptables-nft", "IPv4")
				p := n.startRight(n.oneRange(), n.oneRangeChain(), strings.Fields(flags)...)
				p.WaitLog("Synced rules")
				for _, part := range []string{`command="/`, "\t:IP-MASQ - [0:0]\n"} {
					if got := strings.Contains(p.Log.String(), part); got != want {
						t.Errorf("the log contains %q: %v, want %v", part, got, want)
					}
				}
			})
		})
	}
}
