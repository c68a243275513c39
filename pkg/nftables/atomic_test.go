// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"sync/atomic"
	"testing"
	"time"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestAtomicUnderLoad replaces and edits the table while a pod makes
// connections. A packet sees all of the old rules or all of the new, and both
// masquerade this destination.
func TestAtomicUnderLoad(t *testing.T) {
	pod := "100.64.1.2-100.64.1.2"
	for name, replace := range map[string]bool{"replaced": true, "edited": false, "sources edited": false} {
		t.Run(name, func(t *testing.T) {
			netns.Require(t, "nft")
			netns.Run(t, func(t *testing.T) {
				w := newWorld(t, netfilter.IPv4)
				table := NewTable(netfilter.IPv4)
				specs := []Spec{
					{Destinations: append(intervals("10.0.0.0-10.8.255.255 keep, 10.9.0.0-10.9.255.255 masquerade"), many(netfilter.IPv4, 500)...)},
					{Destinations: append(intervals("9.0.0.0-10.9.0.8 keep, 10.9.0.10-10.255.255.255 keep"), many(netfilter.IPv4, 400)...), RandomFully: replace},
				}
				if name == "sources edited" { // the destinations stay
					specs = []Spec{
						{Destinations: specs[0].Destinations, OnlySources: true, Sources: ranges("10.0.0.0-10.0.0.255 " + pod)},
						{Destinations: specs[0].Destinations, OnlySources: true, Sources: ranges("100.64.0.0-100.64.255.255 192.0.2.0-192.0.2.255")},
					}
				}
				apply(t, table, specs[0])
				var stop atomic.Bool
				var connections atomic.Int64
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for ; !stop.Load(); connections.Add(1) {
						source, err := netns.Dial(w.pod, "10.9.0.9:8080")
						if err != nil || source.Addr() != w.nodeAddr {
							t.Errorf("connection %d came from %s, %v", connections.Load(), source, err)
							return
						}
					}
				}()
				// On a busy machine a write may take a second, and on an emulated one
				// a connection 0.1 s, so that 200 have to do.
				writes, failed := 0, false
				for began := time.Now(); !failed; writes++ {
					if n := connections.Load(); writes >= 20 && (n >= 1000 || n >= 200 && time.Since(began) > time.Minute) {
						break
					}
					apply(t, table, specs[(writes+1)%2])
					select {
					case <-ended: // after an error
						failed = true
					default:
					}
				}
				stop.Store(true)
				<-ended
				t.Logf("%d connections, %d writes", connections.Load(), writes)
			})
		})
	}
}
