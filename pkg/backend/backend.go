// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"ip-masq-agent/pkg/iptables"
)

// Name is a value of --backend.
type Name string

// The backends. Auto stands for the one that Detect chooses.
const (
	Auto           Name = "auto"
	IPTablesNFT    Name = Name(iptables.NFT)
	IPTablesLegacy Name = Name(iptables.Legacy)
	NFTables       Name = "nftables"
)

// Names returns the values of --backend.
func Names() []Name { return []Name{Auto, IPTablesNFT, IPTablesLegacy, NFTables} }

// Choice is the chosen backend and the reason.
type Choice struct {
	Backend Name
	Reason  string
	// Marked means that the choice follows a mark of the kubelet or --backend, or
	// that only one backend of iptables has commands. Otherwise a mark for another
	// backend may still appear.
	Marked bool
	// Unread is why the choice is based on incomplete data; nil if it is not.
	Unread error
}
