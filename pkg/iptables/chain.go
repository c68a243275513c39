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
