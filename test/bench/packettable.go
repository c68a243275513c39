// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// writePackets compares each chain with the empty chain in each round.
func (r *report) writePackets(w io.Writer) {
	fmt.Fprintln(w, "| backend | chain | new connections per second of CPU | of the empty chain's | more time for each |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, b := range backends() {
		took := r.packets[b]
		for _, cidrs := range append([]int{noRule, 0}, r.plan.CIDRs...) {
			name := fmt.Sprintf("%d CIDRs, then MASQUERADE", cidrs)
			switch cidrs {
			case noRule:
				name = "empty"
			case 0:
				name = "MASQUERADE alone"
			}
			each := median(took[cidrs])
			fmt.Fprintf(w, "| %s | %s | %.0f | %.0f %% | %v |\n", b, name, float64(time.Second)/float64(max(each, 1)),
				100*ratio(took[noRule], took[cidrs]), median(differences(took[cidrs], took[noRule])).Round(10*time.Nanosecond))
		}
	}
}

// machineLine describes the machine.
func machineLine() (string, error) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	version, err := command("", "iptables-nft", "--version")
	if err != nil {
		return "", err
	}
	number, _, _ := strings.Cut(version, " (")
	return fmt.Sprintf("Linux %s, %s, %d CPUs, %s", strings.TrimSpace(string(kernel)), number, runtime.NumCPU(), runtime.Version()), nil
}
