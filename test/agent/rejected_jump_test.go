// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import "testing"

// TestRejectedAtStartWithoutJump: the rules stay as they are, but packets must reach
// them. When another program deletes the rules, the defaults apply within seconds.
func TestRejectedAtStartWithoutJump(t *testing.T) {
	eachIPTablesNode(t, func(n *node) {
		n.damage(n.rules.Outdated)
		n.damage(n.rules.Unhook)
		chain := n.chain()
		n.config.write(n.t, "nonMasqueradeCIDRs: [10.0.0.300/8]\n")
		n.start().WaitLog("Restored the jump to the rules found in the kernel")
		n.check("with the jump", chain)
		n.damage(n.rules.Remove)
		n.wait(n.defaultChain())
	})
}
