// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"net/netip"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// Question is a new connection.
type Question struct {
	predict.Connection
	// Assumed is the first CIDR of sourceCIDRs, if Source is an address of it
	// because the user named no source. Otherwise it is the zero Prefix.
	Assumed netip.Prefix
}

// Routes are the routes of a node. [host.Routes] implements it.
type Routes interface {
	// To returns the route to an address.
	To(netip.Addr) (host.Route, error)
	// Between returns the route of packets from src to dst.
	Between(src, dst netip.Addr) (host.Route, error)
}

// NewQuestion returns a new connection with the routes of the node. If source is the
// zero Addr, the source is a pod in the first range of sourceCIDRs or, without
// sourceCIDRs, any pod.
func NewQuestion(r Routes, source, destination netip.Addr, c config.Config) (Question, error) {
	q := Question{Connection: predict.Connection{Source: source, Destination: destination}}
	var err error
	if ranges := masq.Sources(netfilter.FamilyOf(destination), c); len(ranges) > 0 && !source.IsValid() {
		q.Assumed = ranges[0]
		if q.Source, err = podIn(r, ranges[0]); err != nil {
			return q, err
		}
	}
	if q.Route, err = r.Between(q.Source, q.Destination); err != nil {
		return q, err
	}
	if q.Source.IsValid() {
		q.SourceRoute, err = r.To(q.Source)
	}
	return q, err
}

// podIn returns the first address of a range that may be a pod's. It is not the
// network address, and not an address of this node, such as that of a bridge.
func podIn(r Routes, cidr netip.Prefix) (netip.Addr, error) {
	const maxTries = 16
	address := cidr.Addr().Next()
	for range maxTries {
		if !address.IsValid() || !cidr.Contains(address) {
			break
		}
		route, err := r.To(address)
		if err != nil || !route.Local() {
			return address, err
		}
		address = address.Next()
	}
	return cidr.Addr(), nil
}
