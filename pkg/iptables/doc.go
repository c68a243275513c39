// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package iptables describes a chain of iptables rules, and makes the kernel hold
// exactly that chain.
//
//	rule.go, chain.go        a rule, the chain, and their text for iptables-restore
//	nat.go                   Apply: read, compare, write the difference in one commit
//	restore.go               what has to be written
//	read.go                  reading: nf_tables with netlink, by pkg/nftables
//	entries*.go, entry*.go   reading iptables-legacy from the kernel
//	save.go, parse.go, …     reading iptables-legacy with iptables-legacy-save
//	change.go                whether anything was committed since the last Apply
//	exec.go, reap.go         starting processes
//
// No other package starts processes. Each process has a time limit.
package iptables
