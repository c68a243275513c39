// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package backend decides which of three backends this node uses.
//
//   - iptables-nft: a chain in the nat table of nf_tables, written by iptables.
//   - iptables-legacy: a chain in the nat table of the older x_tables.
//   - nftables: the agent's own table in nf_tables, for kernels on which iptables
//     cannot hold the rules, and on request.
//
// Rules in a backend that the rest of the node does not use are a common failure
// of node agents, see kubernetes-sigs/iptables-wrappers. [Detect] asks the kernel,
// and starts a process only for what the kernel cannot answer.
package backend
