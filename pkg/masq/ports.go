// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"fmt"
	"strings"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// ParsePortRanges parses the value of --to-ports: ranges separated by commas, such
// as 1024-29999,32768-65535, which must not overlap. An empty value has none.
func ParsePortRanges(s string) ([]netfilter.PortRange, error) {
	if s == "" {
		return nil, nil
	}
	var out []netfilter.PortRange
	for _, word := range strings.Split(s, ",") {
		r, err := iptables.ParsePortRange(word)
		if err != nil {
			return nil, err
		}
		for _, o := range out {
			if r.From <= o.To && o.From <= r.To {
				return nil, fmt.Errorf("port ranges %s and %s overlap: give each port once", o, r)
			}
		}
		out = append(out, r)
	}
	return out, nil
}
