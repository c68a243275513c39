// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package nftables reads and writes nf_tables rules in the kernel over netlink.
// It starts no process and needs neither nft nor iptables.
//
// A [Conn] reads rules, sets and maps of all programs and decodes them into the
// model of pkg/netfilter. It understands nft's own expressions and the encoding
// of iptables-nft, which embeds the matches and targets of x_tables. An unknown
// expression is never left out: it becomes a condition that may or may not hold,
// or a verdict that may have any effect. The files decode*.go do this.
//
// A [Table] is the agent's own table of one family. A [Spec] describes it. The
// package writes it in one transaction:
//
//	spec.go        what the table does
//	layout*.go     its chains, rules and sets
//	compile*.go    the netlink messages that create them
//	batch.go       the transaction
//	readback.go    what the kernel has
//	difference*.go how that differs from the layout
//	table.go       Apply, which does all of this
package nftables
