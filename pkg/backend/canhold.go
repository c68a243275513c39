// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"errors"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/nftables"
)

// CanHold returns why a backend cannot hold the rules of the query's families, and
// nil if it can. It checks the commands, and the tables or the extensions of the
// kernel. It creates the empty nat table of iptables-legacy, as the first write would.
func CanHold(ctx context.Context, b Name, q Query) error {
	d := detector{query: q}
	d.conn, d.noNFTables = nftables.Dial()
	if d.conn != nil {
		defer d.conn.Close()
	}
	if b == NFTables {
		return d.noNFTables
	}
	for _, f := range q.Families {
		if err := iptables.Usable(ctx, iptables.Backend(b), f); err != nil {
			return err
		}
		if b == IPTablesLegacy {
			if err := iptables.ProbeLegacy(ctx, f); err != nil {
				return err
			}
		}
	}
	if b != IPTablesNFT || d.conn == nil {
		return nil
	}
	missing, err := d.missingExtension()
	if missing != "" {
		return errors.New("the kernel lacks " + missing)
	}
	return err
}
