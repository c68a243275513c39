// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package running

import (
	"context"
	"errors"
	"net"
	"os"

	"ip-masq-agent/pkg/backend"
)

// Server is an agent whose HTTP server was found at an address. Pods of the host
// network reach it, also those without hostPID, for which [Agents] finds no process.
type Server struct {
	Address string
	Backend backend.Name // empty if unknown

	chain string // empty if unknown
}

// FindServer returns the agent that serves /metrics at an address of this network
// namespace, written as the value of --http-bind-address; nil if there is none or
// the address is empty. If something accepts the connection and does not answer in
// time, that may be a busy agent, so it counts as one. If nothing accepts it, as
// while the loopback interface is down, there is none.
func FindServer(ctx context.Context, address string) *Server {
	address, _, err := localAddress(address)
	if err != nil {
		return nil
	}
	metrics, err := getMetrics(ctx, address)
	var failed *net.OpError
	switch {
	case errors.As(err, &failed) && failed.Op == "dial":
		return nil // also if the time was up
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Server{Address: address}
	case err != nil || !areMetricsOfAgent(metrics):
		return nil
	}
	return &Server{address, backend.Name(backendInMetrics(metrics)), chainInMetrics(metrics)}
}

// Manages reports whether the agent manages a chain in a backend, or may manage it.
// The backend Auto means any. What an agent manages is unknown until it has chosen
// its backend.
func (s *Server) Manages(chain string, b backend.Name) bool {
	return s != nil && (s.chain == "" || s.chain == chain) && (b == backend.Auto || s.mayUse(b))
}

// ManagesTable reports whether the agent, of a chain other than this one, manages
// the table of the backend nftables, or may manage it. The table is the same for all
// chains.
func (s *Server) ManagesTable(chain string) bool {
	return s != nil && s.chain != chain && s.mayUse(backend.NFTables)
}

func (s *Server) mayUse(b backend.Name) bool { return s.Backend == "" || s.Backend == b }
