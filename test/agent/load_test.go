// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// TestEditsUnderLoad edits the file while a pod connects to an address that
// every configuration masquerades. No connection may have the pod's address: a
// packet sees all of the old rules or all of the new ones.
func TestEditsUnderLoad(t *testing.T) {
	eachNode(t, func(n *node) {
		w := newTestbed(n)
		n.startRight(n.oneRange(), n.oneRangeChain())
		w.waitSource(w.nodeAddr, w.publicAddr())
		var stop atomic.Bool
		made := make(chan int, 1)
		go func() {
			count := 0
			for ; !stop.Load(); count++ {
				source, err := netns.Dial(w.pod, net.JoinHostPort(w.publicAddr(), "8080"))
				if err != nil || source.Addr() != w.nodeAddr {
					n.t.Errorf("connection %d came from %v, %v", count, source, err)
					break
				}
				time.Sleep(time.Millisecond)
			}
			made <- count
		}()
		for range 3 {
			n.config.write(n.t, n.threeRanges())
			n.wait(n.threeRangesChain())
			n.config.write(n.t, n.oneRange())
			n.wait(n.oneRangeChain())
		}
		stop.Store(true)
		connections := <-made
		n.t.Logf("%d connections", connections)
		if connections < 100 {
			n.t.Errorf("only %d connections, too few for the test", connections)
		}
	})
}
