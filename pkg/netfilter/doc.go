// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package netfilter models NAT rules, anyone's, and decides what happens to a
// packet that passes them.
//
// A [Ruleset] holds the tables that have a base chain of type nat at the
// postrouting hook, however they were written: pkg/nftables reads them from the
// kernel, pkg/iptables parses the text of iptables-legacy. [Ruleset.Walk] sends
// a [Packet] through all of them, by priority, as the kernel does.
//
// Not everything about a packet is known, and not every expression is
// understood. Walk therefore collects every outcome that is possible. If they
// agree, that is the answer; otherwise the answer is [Unknown], with the rules
// that may decide.
//
// The package is pure and knows neither iptables nor nftables.
package netfilter
