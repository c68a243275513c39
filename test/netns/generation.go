// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
)

// Generation returns the generation number of the nftables rule set of this
// namespace. The kernel increments it with every commit, also with one that
// changes nothing. Rules of iptables-legacy do not count.
func Generation(t testing.TB) uint32 {
	t.Helper()
	gen, err := ReadGeneration()
	if err != nil {
		t.Fatalf("reading the generation of the nftables rule set: %v", err)
	}
	return gen
}

// ReadGeneration is [Generation] for goroutines that must not end the test. It
// sends NFT_MSG_GETGEN, see linux/netfilter/nf_tables.h.
func ReadGeneration() (uint32, error) {
	const (
		getgen = 10<<8 | 16 // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN
		genID  = 1          // NFTA_GEN_ID, big endian
		header = syscall.NLMSG_HDRLEN + 4
	)
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_NETFILTER)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)

	ask := make([]byte, header) // the last four bytes, struct nfgenmsg, are zero
	binary.NativeEndian.PutUint32(ask[0:], header)
	binary.NativeEndian.PutUint16(ask[4:], getgen)
	binary.NativeEndian.PutUint16(ask[6:], syscall.NLM_F_REQUEST)
	if err := syscall.Sendto(fd, ask, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return 0, err
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return 0, err
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if len(m.Data) < 4+8 {
			continue
		}
		attr := m.Data[4:]
		if binary.NativeEndian.Uint16(attr[2:]) == genID {
			return binary.BigEndian.Uint32(attr[4:]), nil
		}
	}
	return 0, fmt.Errorf("no generation in the answer %x", answer[:n])
}
