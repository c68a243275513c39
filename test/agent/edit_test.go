// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"path/filepath"
	"testing"
)

// never is a resyncInterval that a test does not reach. The agent reads the file
// every second nevertheless.
const never = "resyncInterval: 24h\n"

// TestConfigMapEdits edits, deletes and recreates the ConfigMap.
func TestConfigMapEdits(t *testing.T) {
	eachNode(t, func(n *node) {
		one := n.byFamily("nonMasqueradeCIDRs: [10.0.0.0/8]\n", "nonMasqueradeCIDRs: ['fd00::/8']\n") + never
		three := n.byFamily("nonMasqueradeCIDRs: [172.20.0.0/16, 10.0.0.0/8, 192.0.2.7/32]\n",
			"nonMasqueradeCIDRs: ['2001:db8:20::/48', 'fd00::/8', '2001:db8::7/128']\n") + never
		others := n.others()
		p := n.startRight(one, n.oneRangeChain())

		n.config.write(n.t, three) // grows
		n.wait(n.threeRangesChain())
		n.config.write(n.t, one) // shrinks
		n.wait(n.oneRangeChain())
		n.config.write(n.t, "masqLinkLocal: true\nmasqLinkLocalIPv6: true\nnonMasqueradeCIDRs: []\n"+never)
		n.wait(chain())
		n.config.remove(n.t) // the ConfigMap is deleted
		n.wait(n.defaultChain())
		n.config.write(n.t, three) // and made again
		n.wait(n.threeRangesChain())

		if got := n.othersNow(); got != others {
			n.t.Errorf("the edits changed rules of other programs:\n%s\nwant\n%s", got, others)
		}
		if !p.Running() {
			n.t.Error("the agent ended")
		}
	})
}

// TestFileEdits edits a plain file in place, and then replaces it.
func TestFileEdits(t *testing.T) {
	eachNode(t, func(n *node) {
		file := filepath.Join(n.t.TempDir(), "config.yaml")
		write := func(path, content string) {
			n.t.Helper()
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				n.t.Fatal(err)
			}
		}
		write(file, n.oneRange())
		n.start("--config=" + file)
		n.wait(n.oneRangeChain())
		write(file, n.threeRanges())
		n.wait(n.threeRangesChain())
		write(file+".new", n.oneRange())
		if err := os.Rename(file+".new", file); err != nil {
			n.t.Fatal(err)
		}
		n.wait(n.oneRangeChain())
		if err := os.Remove(file); err != nil {
			n.t.Fatal(err)
		}
		n.wait(n.defaultChain())
	})
}

// TestIntervalEdit checks that a shorter interval takes effect at once, not
// after the longer one.
func TestIntervalEdit(t *testing.T) {
	eachNode(t, func(n *node) {
		n.startRight(never, n.defaultChain())
		n.config.write(n.t, "resyncInterval: 100ms\n")
		n.damage(n.rules.Flush)
		n.wait(n.defaultChain())
		n.damage(n.rules.Flush)
		n.wait(n.defaultChain())
	})
}
