// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package backend decides in which of three rule sets this node's rules are
// kept, and opens it for the agent.
//
//   - iptables-nft: a chain in the nat table of nf_tables, written by iptables.
//   - iptables-legacy: a chain in the nat table of the older x_tables.
//   - nftables: a table of our own in nf_tables, for kernels on which iptables
//     cannot hold our rules, and on request.
//
// Rules in a rule set that the rest of the node does not use are the classic
// failure of node agents, see kubernetes-sigs/iptables-wrappers. Detect asks the
// kernel over netlink, and starts a process only for what that cannot answer.
package backend
