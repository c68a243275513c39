// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/masq"
)

// The backends, as --backend names them.
const (
	nftBackend    = string(backends.IPTablesNFT)
	legacyBackend = string(backends.IPTablesLegacy)
	nativeBackend = string(backends.NFTables)
)

// postrouting is the chain of the nat table that has the jump to ours.
const postrouting = "POSTROUTING"

// The tables that an agent writes to.
const (
	sharedTable = masq.SharedTable
	ownTable    = masq.OwnTable
)

// tableOf returns the table that a backend writes to.
func tableOf(backend string) string {
	if backend == nativeBackend {
		return ownTable
	}
	return sharedTable
}
