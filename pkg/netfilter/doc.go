// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package netfilter is a model of the NAT rules of a node, of all programs, and
// predicts what they do to a packet.
//
// A [Ruleset] holds the tables that have a base chain of type nat at the
// postrouting hook. pkg/nftables reads them from the kernel, and pkg/iptables
// parses them from the text of iptables-legacy. [Ruleset.Walk] sends a [Packet]
// through all of them in the order of their priorities, as the kernel does.
//
// A packet may be known in part only, and a rule may have an expression that
// this package does not understand. Walk therefore returns every possible
// outcome. If all outcomes agree, that is the answer. Otherwise the answer is
// [Undetermined], with the rules that may decide and the reason, [Unknown].
//
// The package does no I/O and does not depend on iptables or nftables.
package netfilter
