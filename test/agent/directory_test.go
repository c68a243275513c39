// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

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
		// On a busy machine more time is needed for enough readings.
		const minReadings, minSwaps = 5, 100
		for began := time.Now(); time.Since(began) < 12*time.Second ||
			(p.Log.Count("Configuration read") < minReadings || swaps < minSwaps) && time.Since(began) < 2*time.Minute; {
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
		if readings < minReadings || swaps < minSwaps {
			t.Errorf("the agent read %d of %d versions, too few to test the race", readings, swaps)
		}
	})
}
