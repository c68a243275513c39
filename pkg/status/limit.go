// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package status

import (
	"net"
	"slices"
	"sync"
)

// maxConnections is the maximum number of open connections. The kubelet and
// Prometheus have a few; each costs about 14 kB and a file descriptor.
const maxConnections = 32

// limitListener closes the oldest connection when there are more than max.
// netutil.LimitListener of golang.org/x/net would make the newest wait instead.
// Clients that never finish a request would then block the kubelet's probes.
type limitListener struct {
	net.Listener
	max int

	mu   sync.Mutex
	open []*limitedConn // oldest first
}

// Accept implements net.Listener.
func (l *limitListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &limitedConn{conn, l}
	l.mu.Lock()
	var oldest *limitedConn
	if len(l.open) == l.max {
		oldest = l.open[0]
	}
	l.open = append(l.open, c)
	l.mu.Unlock()
	if oldest != nil {
		oldest.Close()
	}
	return c, nil
}

// limitedConn removes itself from the open connections when it is closed.
type limitedConn struct {
	net.Conn
	listener *limitListener
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.listener.mu.Lock()
	c.listener.open = slices.DeleteFunc(c.listener.open, func(o *limitedConn) bool { return o == c })
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
