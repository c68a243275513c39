// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package iptables answers: how is a chain stated, and how is the kernel made
// to hold exactly that chain?
//
// The vocabulary (Rule, Chain and the restore input made of them) is
// pure. NAT is the only code of this program that touches the host's tables:
// its one verb, Apply, reads by chain, compares by meaning, and writes the
// difference, if there is one, in a single iptables-restore commit. It is also
// the only package that runs other programs; each of them has a deadline.
package iptables
