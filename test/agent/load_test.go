// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net"
	"net/netip"
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
		c := n.connect(w.nodeAddr, func(int) (netip.AddrPort, error) {
			return netns.Dial(w.pod, net.JoinHostPort(w.publicAddr(), "8080"))
		})
		for round := 0; round < 3 || !c.enough() && round < 20; round++ {
			n.config.write(n.t, n.threeRanges())
			n.wait(n.threeRangesChain())
			n.config.write(n.t, n.oneRange())
			n.wait(n.oneRangeChain())
		}
		c.end()
	})
}

// connections makes connections in a loop and checks their sources.
type connections struct {
	t    testing.TB
	stop atomic.Bool
	done chan struct{}
	made atomic.Int64
}

// connect calls dial again and again, with the number of the connection. Each must
// have the source want. The first that does not is the last.
func (n *node) connect(want netip.Addr, dial func(number int) (netip.AddrPort, error)) *connections {
	c := &connections{t: n.t, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for number := 0; !c.stop.Load(); number++ {
			source, err := dial(number)
			if err != nil || source.Addr() != want {
				c.t.Errorf("connection %d came from %v, %v, want %s", number, source, err, want)
				return
			}
			c.made.Add(1)
			time.Sleep(time.Millisecond)
		}
	}()
	return c
}

// minConnections is the number of connections that a test needs to be worth
// anything.
const minConnections = 100

// enough reports whether there are enough connections, or no more will be made. On
// a busy machine a test has to change the rules more often for that.
func (c *connections) enough() bool {
	select {
	case <-c.done:
		return true
	default:
		return c.made.Load() >= minConnections
	}
}

// end ends the loop and checks the number of connections.
func (c *connections) end() {
	c.t.Helper()
	c.stop.Store(true)
	<-c.done
	c.t.Logf("%d connections", c.made.Load())
	if made := c.made.Load(); made < minConnections {
		c.t.Errorf("only %d connections, too few for the test", made)
	}
}
