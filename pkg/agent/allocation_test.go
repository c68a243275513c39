// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"testing"

	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/netfilter"
)

// TestCheckForChangeDoesNotAllocate: a check is made every second, and garbage
// would have to be collected.
func TestCheckForChangeDoesNotAllocate(t *testing.T) {
	for _, change := range []netfilter.Change{netfilter.ChangeUnknown, netfilter.Unchanged, netfilter.PerhapsUnchanged, netfilter.Changed} {
		s := newSyncer(netfilter.IPv4, &recorder{change: change}, &watcher{})
		log := klog.Background()
		if got := testing.AllocsPerRun(100, func() { s.checkForChange(log) }); got > 0 {
			t.Errorf("a check that finds %v takes %v allocations, want none", change, got)
		}
	}
}
