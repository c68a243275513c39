// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// legacyInfo describes the size of a legacy table: struct ipt_getinfo and struct
// ip6t_getinfo, which are equal (linux/netfilter_ipv4/ip_tables.h).
type legacyInfo struct {
	name       [32]byte
	validHooks uint32
	hookEntry  [5]uint32
	underflow  [5]uint32
	numEntries uint32
	size       uint32
}

// getInfo is IPT_SO_GET_INFO and IP6T_SO_GET_INFO.
const getInfo = 64

// infoSocket reads the size of a table with one system call and no allocation.
type infoSocket struct {
	family netfilter.Family
	table  string
	fd     int
	level  int // IPPROTO_IP or IPPROTO_IPV6
	info   legacyInfo
	size   uint32
}

func newInfoSocket(f netfilter.Family, table string) (*infoSocket, error) {
	domain, level := unix.AF_INET, unix.IPPROTO_IP
	if f == netfilter.IPv6 {
		domain, level = unix.AF_INET6, unix.IPPROTO_IPV6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil, fmt.Errorf("opening a raw socket: %w", err)
	}
	return &infoSocket{family: f, table: table, fd: fd, level: level}, nil
}

// read reads the size. A rule that is added or deleted changes the number of
// entries. A rule that is replaced often changes the size.
//
// For the first call the kernel may have to load the module of the table. Later
// calls only wait for a lock that the kernel holds while it copies a table, so they
// are raw system calls; generationSocket in pkg/nftables says why.
func (s *infoSocket) read(first bool) (legacyInfo, error) {
	s.info = legacyInfo{}
	copy(s.info.name[:], s.table)
	s.size = uint32(unsafe.Sizeof(s.info))
	// golang.org/x/sys has no getsockopt for other structs.
	var errno unix.Errno
	if first {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), uintptr(s.level), getInfo, uintptr(unsafe.Pointer(&s.info)), uintptr(unsafe.Pointer(&s.size)), 0)
	} else {
		_, _, errno = unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), uintptr(s.level), getInfo, uintptr(unsafe.Pointer(&s.info)), uintptr(unsafe.Pointer(&s.size)), 0)
	}
	if errno != 0 {
		return legacyInfo{}, errno
	}
	return s.info, nil
}

// readLegacyInfo reads the size of the nat table. The socket stays open.
func (n *NAT) readLegacyInfo() (legacyInfo, error) {
	first := n.info == nil
	if first {
		s, err := newInfoSocket(n.family, natTable)
		if err != nil {
			return legacyInfo{}, err
		}
		n.info = s
	}
	info, err := n.info.read(first)
	if err != nil {
		n.closeInfo()
		return legacyInfo{}, fmt.Errorf("reading the size of the %s nat table: %w", n.family, err)
	}
	return info, nil
}

func (n *NAT) closeInfo() {
	if n.info != nil {
		_ = unix.Close(n.info.fd) // an error would have no consequence
		n.info = nil
	}
}
