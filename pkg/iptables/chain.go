// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"
)

// Chain is all this agent owns of one family's nat table: a chain with its
// rules, and the one rule of POSTROUTING that sends traffic there.
type Chain struct {
	Name  string
	Rules []Rule
	Jump  Rule
}

// String returns the chain as an iptables-restore input that writes it whole.
func (c Chain) String() string {
	return "*nat\n" + c.declaration() + c.jump() + "COMMIT\n"
}

// declaration creates the chain, or flushes it, and fills it; iptables-restore
// --noflush does all of that in the one commit at the end.
func (c Chain) declaration() string {
	var b strings.Builder
	fmt.Fprintf(&b, ":%s - [0:0]\n", c.Name)
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "-A %s %s\n", c.Name, r)
	}
	return b.String()
}

func (c Chain) jump() string { return fmt.Sprintf("-A %s %s\n", postrouting, c.Jump) }

// withoutRandomFully is the chain for an iptables older than 1.6.2.
func (c Chain) withoutRandomFully() Chain {
	c.Rules = slices.Clone(c.Rules)
	for i := range c.Rules {
		c.Rules[i].RandomFully = false
	}
	return c
}

// maxNameLength is what iptables(8) allows a chain: XT_EXTENSION_MAXNAMELEN
// less the closing NUL.
const maxNameLength = 28

// CheckChainName tells what is wrong with s as the name of a chain of ours.
// The characters are a part of those iptables would take; the rest of them
// could end a word or a line of the restore input.
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

// reservedNames are the built-in chains and the targets of iptables(8) and
// iptables-extensions(8): -j would not reach a chain of that name.
func reservedNames() []string {
	return strings.Fields(`PREROUTING INPUT FORWARD OUTPUT POSTROUTING
		ACCEPT DROP QUEUE RETURN
		AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK IDLETIMER
		LED LOG MARK MASQUERADE MIRROR NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SAME SECMARK
		SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG`)
}
