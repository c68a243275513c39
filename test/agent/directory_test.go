// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// TestDirectory has a projected volume with two ConfigMaps, one of a platform
// team and one of the cluster's owner.
func TestDirectory(t *testing.T) {
	eachNode(t, func(n *node) {
		platform := n.oneRange() // one CIDR, and resyncInterval
		team := n.byFamily("nonMasqueradeCIDRs: [198.51.100.0/24]\n", "nonMasqueradeCIDRs: ['2001:db8:51::/48']\n")
		both := append(slices.Clone(n.oneRangeChain()[:3]), returnRule(n.byFamily("198.51.100.0/24", "2001:db8:51::/48")), last)

		n.config.publish(n.t, map[string]string{"platform": platform, "team": team})
		p := n.start("--config=" + n.config.Dir)
		n.wait(both)

		// An error names its file and changes nothing.
		n.config.publish(n.t, map[string]string{"platform": platform, "team": "resyncInterval: 5s\n"})
		p.WaitLog("Invalid configuration, the last valid one stays in force", "/team:1: resyncInterval: is set in two files", "/platform:2")
		n.damage(n.rules.Flush)
		n.wait(both)
		p.SkipLog()
		n.config.publish(n.t, map[string]string{"platform": platform, "team": team})
		p.WaitLog("Configuration read", `files=["platform","team"]`)

		// One ConfigMap is deleted, then the whole volume.
		n.config.publish(n.t, map[string]string{"platform": platform})
		p.WaitLog("Warning: files of the configuration directory are gone or empty", "/team")
		n.wait(n.oneRangeChain())
		n.config.publish(n.t, nil)
		p.WaitLog("Warning: the configuration directory has no files any more, falling back to the defaults")
		n.wait(n.defaultChain())

		// A pipe beside the files of the volume does not block the agent.
		if err := syscall.Mkfifo(filepath.Join(n.config.Dir, "pipe"), 0o600); err != nil {
			n.t.Fatal(err)
		}
		p.WaitLog("Warning: ", "/pipe: is not a regular file, so it is skipped")
		if err := os.Remove(filepath.Join(n.config.Dir, "pipe")); err != nil {
			n.t.Fatal(err)
		}
		n.config.publish(n.t, map[string]string{"team": team})
		n.wait(slices.Concat(n.defaultChain()[:2], both[3:]))
	})
}

// TestVolumeIsReadWhole replaces a projected volume as fast as possible while
// the agent reads it every second. Each version has other CIDRs in its two
// files, and every third has one more file. The agent must never use parts of
// two versions.
func TestVolumeIsReadWhole(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		n := newNode(t, netns.NFTables, "IPv4")
		allowed := map[string]bool{}
		swaps := 0
		publish := func() {
			swaps++
			files, all := map[string]string{}, []string{}
			for i := range 2 + swaps%3/2 {
				network := fmt.Sprintf("10.%d.%d.0/24", swaps%250, i)
				files[fmt.Sprintf("f%d", i)] = "nonMasqueradeCIDRs: [" + network + "]\n"
				all = append(all, `"`+network+`"`)
			}
			allowed["["+strings.Join(all, ",")+"]"] = true
			n.config.publish(t, files)
		}
		publish()
		p := n.start("--config=" + n.config.Dir)
		p.WaitLog("Synced rules")
		for end := time.Now().Add(12 * time.Second); time.Now().Before(end); {
			publish()
		}
		p.SkipLog()
		publish()
		p.WaitLog("Configuration read")

		readings := 0
		for line := range strings.Lines(p.Log.String()) {
			if _, list, found := strings.Cut(line, "nonMasqueradeCIDRs="); found {
				readings++
				if list, _, _ = strings.Cut(list, " "); !allowed[list] {
					t.Errorf("no version of the volume has these CIDRs: %s", line)
				}
			}
			if strings.Contains(line, "falling back") || strings.Contains(line, "Invalid") {
				t.Errorf("logged %s", line)
			}
		}
		t.Logf("the agent read %d of %d versions", readings, swaps)
		if readings < 5 || swaps < 100 {
			t.Errorf("the agent read %d of %d versions, too few to test the race", readings, swaps)
		}
	})
}
