// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strings"
)

// Chain is what the agent manages in the nat table of one family: a chain with its
// rules, and the rule of POSTROUTING that jumps to it.
type Chain struct {
	Name  string
	Rules []Rule
	Jump  Rule
}

// String returns the input for iptables-restore that writes the chain and its jump.
func (c Chain) String() string {
	return "*nat\n" + c.declaration() + c.jump() + "COMMIT\n"
}

// declaration returns the lines that create or flush the chain, and append its
// rules. iptables-restore --noflush applies them in one commit.
func (c Chain) declaration() string {
	var b strings.Builder
	fmt.Fprintf(&b, ":%s - [0:0]\n", c.Name)
	for _, r := range c.Rules {
		fmt.Fprintf(&b, "-A %s %s\n", c.Name, r)
	}
	return b.String()
}

func (c Chain) jump() string { return fmt.Sprintf("-A %s %s\n", postrouting, c.Jump) }

// WithoutRandomFully returns the chain for iptables versions before 1.6.2.
func (c Chain) WithoutRandomFully() Chain {
	c.Rules = slices.Clone(c.Rules)
	for i := range c.Rules {
		c.Rules[i].RandomFully = false
	}
	return c
}
