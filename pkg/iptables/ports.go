// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"strconv"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// ParsePortRange parses "A-B", or "A" for one port, with 1 <= A <= B <= 65535.
func ParsePortRange(s string) (netfilter.PortRange, error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, errA := parsePort(from)
	b, errB := parsePort(to)
	switch {
	case errA != nil:
		return netfilter.PortRange{}, errA
	case errB != nil:
		return netfilter.PortRange{}, errB
	case a > b:
		return netfilter.PortRange{}, fmt.Errorf("port range %q is reversed: write %d-%d", s, b, a)
	}
	return netfilter.PortRange{From: a, To: b}, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(n), nil
}
