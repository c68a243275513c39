// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sign changes with each commit to a nat table. Reading it takes some
// microseconds and starts no process that would disturb the sides, so the bench
// sees a commit within a millisecond. It is separate from the agent's own
// change detection, which it helps to measure.
type sign struct {
	generation    uint32 // nft: increases with each commit
	entries, size uint32 // legacy
}

// readSign returns the current sign of a backend.
func readSign(backend string) (sign, error) {
	if backend == iptablesLegacy {
		return legacySign()
	}
	return nftSign()
}

// nftSign sends NFT_MSG_GETGEN, see linux/netfilter/nf_tables.h.
func nftSign() (sign, error) {
	answer, err := askNetfilter(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, unix.NLM_F_REQUEST)
	// Header, struct nfgenmsg, and as the first attribute NFTA_GEN_ID.
	const value = unix.SizeofNlMsghdr + 4 + unix.SizeofNlAttr
	if err == nil && len(answer) < value+4 {
		err = fmt.Errorf("no generation in the answer %x", answer)
	}
	if err != nil {
		return sign{}, fmt.Errorf("reading the generation of the nft rule set: %w", err)
	}
	return sign{generation: binary.BigEndian.Uint32(answer[value:])}, nil
}

// askNetfilter sends a message without attributes to the kernel and returns the
// first packet of the response.
func askNetfilter(kind, flags uint16) ([]byte, error) {
	message := make([]byte, unix.SizeofNlMsghdr+4) // the last four bytes, struct nfgenmsg, are zero
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], flags)
	return sendNetfilter(message)
}

// sendNetfilter sends messages to the kernel and returns the first packet of
// the response.
func sendNetfilter(messages []byte) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, messages, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	return answer[:max(n, 0)], err
}

// forgetConnections deletes all conntrack entries of this namespace, with
// IPCTNL_MSG_CT_DELETE without attributes.
func forgetConnections() error {
	answer, err := askNetfilter(unix.NFNL_SUBSYS_CTNETLINK<<8|2, unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err == nil && (len(answer) < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:]) != 0) {
		err = fmt.Errorf("the kernel rejected the message: %x", answer)
	}
	if err != nil {
		return fmt.Errorf("emptying the connection table: %w", err)
	}
	return nil
}

// legacySign reads IPT_SO_GET_INFO, see linux/netfilter_ipv4/ip_tables.h.
func legacySign() (sign, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return sign{}, err
	}
	defer unix.Close(fd)
	var info struct {
		name          [32]byte
		hooks         [11]uint32 // valid_hooks, hook_entry, underflow
		entries, size uint32
	}
	copy(info.name[:], "nat")
	length := uint32(unsafe.Sizeof(info))
	const getInfo = 64
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, getInfo,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return sign{}, errors.Join(errors.New("reading the size of the legacy nat table"), errno)
	}
	return sign{entries: info.entries, size: info.size}, nil
}
