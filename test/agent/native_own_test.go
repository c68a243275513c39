// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"testing"
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
