// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package predict

import (
	"net/netip"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// FileDecision is what the configuration file says about a connection.
type FileDecision struct {
	Fate netfilter.Fate // Kept or Masqueraded
	// Rule is the rule of the chain that decides, nil if none does. On the backend
	// nftables the table has the same meaning.
	Rule *iptables.Rule
	// OutsideSources means that nothing from this source is masqueraded, because it
	// is in no range of sourceCIDRs.
	OutsideSources bool
}

// ByFile returns what the chain of a configuration file does with a connection.
// The zero Addr as the source is any pod.
func ByFile(chain []iptables.Rule, source, destination netip.Addr) FileDecision {
	d := FileDecision{Fate: netfilter.Kept, OutsideSources: !masq.MasqueradesFrom(chain, source)}
	if rule, ok := masq.Decide(chain, source, destination); ok {
		d.Rule = &rule
		if rule.Target == iptables.Masquerade {
			d.Fate = netfilter.Masqueraded
		}
	}
	return d
}

// Range returns the range of the file that contains the destination. It is the
// zero Prefix if there is none.
func (d FileDecision) Range() netip.Prefix {
	if d.Rule == nil {
		return netip.Prefix{}
	}
	return d.Rule.Destination
}
