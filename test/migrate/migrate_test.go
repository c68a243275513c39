// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package migrate_test

import (
	"fmt"
	"testing"

	"ip-masq-agent/test/netns"
)

// file returns a configuration with these nonMasqueradeCIDRs and
// masqueradeCIDRs.
func file(keep []string, except ...string) string {
	text := fmt.Sprintf("nonMasqueradeCIDRs: %s\n", list(keep))
	if len(except) > 0 {
		text += fmt.Sprintf("masqueradeCIDRs: %s\n", list(except))
	}
	return text
}

func list(cidrs []string) string {
	text := "["
	for i, c := range cidrs {
		if i > 0 {
			text += ", "
		}
		text += "'" + c + "'"
	}
	return text + "]"
}

// TestUpgradeAndRollbackOfOneChain checks that this agent takes over the chain
// and the jump of 2.x. After a rollback 2.x finds its jump and rewrites the
// chain without the exceptions, which it does not support.
func TestUpgradeAndRollbackOfOneChain(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		old := n.old("IP-MASQ")
		old.sync(n.nearRange)
		n.kept(n.near)
		n.kept(n.exception)
		n.masqueraded(n.far)

		n.runAgent(file([]string{n.nearRange}, n.exceptionRange))
		n.jumps(old.jump())
		n.kept(n.near)
		n.masqueraded(n.exception)
		n.masqueraded(n.far)

		old.sync(n.nearRange)
		n.jumps(old.jump())
		n.chain("IP-MASQ", old.rules(n.nearRange))
		n.kept(n.exception)
		n.masqueraded(n.far)
	})
}

// TestRollbackLosesSourceCIDRs checks that 2.x does not support the key and
// masquerades traffic from any source.
func TestRollbackLosesSourceCIDRs(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		n.runAgent(file([]string{n.nearRange}) + "sourceCIDRs: " + list([]string{n.exceptionRange}) + "\n")
		n.kept(n.far) // the pod is not in sourceCIDRs

		n.old("IP-MASQ").sync(n.nearRange)
		n.kept(n.near)
		n.masqueraded(n.far)
	})
}

// TestRollbackAfterAFreshInstall checks that 2.x does not recognize the jump of
// this agent and adds its own. Both lead to the same chain, so packets are
// treated the same. This agent removes the second jump.
func TestRollbackAfterAFreshInstall(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		old := n.old("IP-MASQ")
		n.runAgent(file([]string{n.nearRange}))
		n.jumps(ourJump)

		for range 2 {
			old.sync(n.nearRange)
			n.jumps(ourJump, old.jump())
		}
		n.chain("IP-MASQ", old.rules(n.nearRange))
		n.kept(n.near)
		n.masqueraded(n.far)

		n.runAgent(file([]string{n.nearRange}))
		n.jumps(ourJump)
	})
}

// TestOldChainNameStaysInForce uses the default chain of 2.x,
// IP-MASQ-AGENT. While both chains are active, traffic keeps its source only if
// both chains say so. After the old chain is removed, only the new one decides.
func TestOldChainNameStaysInForce(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		old := n.old("IP-MASQ-AGENT")
		old.sync(n.nearRange)
		n.runAgent(file([]string{n.nearRange, n.farRange}, n.exceptionRange))
		n.jumps(old.jump(), ourJump)
		n.kept(n.near)
		n.masqueraded(n.exception) // by the new chain
		n.masqueraded(n.far)       // by the old one

		n.cleanup("--masq-chain=IP-MASQ-AGENT")
		n.jumps(ourJump)
		n.chain("IP-MASQ-AGENT", nil)
		n.kept(n.near)
		n.masqueraded(n.exception)
		n.kept(n.far)
	})
}

// TestChainThatMasqueradesNothing has an agent that cannot be
// removed, such as that of AKS. With all addresses in its nonMasqueradeCIDRs it
// masquerades nothing.
func TestChainThatMasqueradesNothing(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		n := newNode(t, backend, family)
		everything := "0.0.0.0/0"
		if family == "IPv6" {
			everything = "::/0"
		}
		n.old("IP-MASQ-AGENT").sync(n.nearRange, everything)
		n.kept(n.far)
		n.runAgent(file([]string{n.nearRange}, n.exceptionRange))
		n.kept(n.near)
		n.masqueraded(n.exception)
		n.masqueraded(n.far)
	})
}

// TestRollbackFromTheBackendNFTables checks that the table of this agent stays
// in force beside the chain of 2.x until cleanup removes it.
func TestRollbackFromTheBackendNFTables(t *testing.T) {
	netns.MatrixOf(t, []string{"iptables-nft"}, func(t *testing.T, backend, family string) {
		n := newNode(t, netns.NFTables, family)
		n.runAgent(file([]string{n.nearRange}, n.exceptionRange))
		n.masqueraded(n.exception)

		old := predecessor{t, backend, family, "IP-MASQ"}
		old.sync(n.nearRange)
		n.masqueraded(n.exception) // by the table, although 2.x does not masquerade it
		n.cleanup("--backend=nftables")
		n.kept(n.exception)
		n.kept(n.near)
		n.masqueraded(n.far)
	})
}
