// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// terminate is the signal with which the kubelet stops a container.
const terminate = syscall.SIGTERM

// TestStoppingLeavesTheRules checks that the agent exits with status 0 on
// SIGTERM and SIGINT and leaves its rules.
func TestStoppingLeavesTheRules(t *testing.T) {
	eachNode(t, func(n *node) {
		for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
			p := n.startRight(n.oneRange(), n.oneRangeChain())
			before := n.save()
			p.Stop(signal)
			if diff := cmp.Diff(before, n.save()); diff != "" {
				n.t.Errorf("%v changed the rules (-before +after):\n%s", signal, diff)
			}
		}
	})
}
