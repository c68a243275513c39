// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Table returns the nftables table of a configuration for one family. It decides
// about each source and destination as the chain of [Options.Chain] does.
func (o Options) Table(f netfilter.Family, c config.Config) nftables.Spec {
	return nftables.Spec{
		Family:       f,
		Destinations: flatten(verdicts(f, c)),
		OnlySources:  len(c.Source) > 0,
		Sources:      joined(Sources(f, c)),
		RandomFully:  o.RandomFully,
		ToPorts:      o.ToPorts,
	}
}
