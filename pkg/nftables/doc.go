// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package nftables talks to nf_tables in the kernel, over netlink. It starts no
// process and needs neither nft nor iptables.
//
// A [Conn] reads rules, sets and maps and decodes them into the model of
// pkg/netfilter, whichever program wrote them and in whichever encoding: nft's own
// expressions, or those of iptables-nft, which embed the matches and targets of
// x_tables.
//
// A [Table] is the agent's own table of one family, described by a [Spec]. It is
// written in one transaction, read back and compared.
//
// An expression that is not known is never left out. It becomes a condition
// that can go either way, or a verdict that can do anything.
package nftables
