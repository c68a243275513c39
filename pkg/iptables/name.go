// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"
)

// maxNameLength is the maximum length of a chain name in iptables(8):
// XT_EXTENSION_MAXNAMELEN without the closing NUL.
const maxNameLength = 28

// CheckChainName returns an error if s cannot be the name of the agent's chain.
// It allows fewer characters than iptables, because others could end a word or a
// line of the restore input.
func CheckChainName(s string) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
	switch {
	case s == "" || len(s) > maxNameLength:
		return fmt.Errorf("chain name %q has %d characters: give it 1 to %d", s, len(s), maxNameLength)
	case s[0] == '-':
		return fmt.Errorf("chain name %q starts with '-': iptables would take it for an option", s)
	case strings.Trim(s, allowed) != "":
		return fmt.Errorf("chain name %q: use only letters, digits, '_', '.' and '-'", s)
	case slices.Contains(reservedNames(), s):
		return fmt.Errorf("chain name %q belongs to iptables itself: choose another, such as IP-MASQ", s)
	}
	return nil
}

// reservedNames returns the names that have a meaning in iptables, in the case in
// which they do. With iptables-nft and iptables-legacy chains of any other name can
// be created and used (TestChainNames).
func reservedNames() []string {
	return slices.Concat(
		// The built-in chains.
		strings.Fields("PREROUTING INPUT FORWARD OUTPUT POSTROUTING"),
		// The targets without an extension, and the two names that the kernel
		// has for them and for the head of a chain (XT_STANDARD_TARGET is "",
		// its extension "standard"; XT_ERROR_TARGET). A jump to a chain named
		// "standard" crashes iptables-legacy-restore 1.8.9.
		strings.Fields("ACCEPT DROP QUEUE RETURN standard ERROR"),
		// The targets of iptables-extensions(8) and of older versions. With a
		// chain of such a name, "-j NAME" in a rule of any program would go to
		// the chain.
		strings.Fields(`AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK
			IDLETIMER LED LOG MARK MASQUERADE MIRROR NAT NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT
			SAME SECMARK SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG`),
	)
}
