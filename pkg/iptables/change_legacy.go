// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// legacyInfo is what the kernel tells about a legacy table without handing out
// its rules: struct ipt_getinfo and ip6t_getinfo, which are alike
// (linux/netfilter_ipv4/ip_tables.h).
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

// infoSocket asks for the sizes of a table in one system call, without an
// allocation.
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

// read asks the kernel. Any rule that comes or goes changes the number of
// entries, one that is replaced by another often the size.
//
// The first time, the kernel may have to load the module of the table. Later it
// only waits for a lock that it holds while it copies a table, so the call may
// be a raw one: see the generationSocket of pkg/nftables.
func (s *infoSocket) read(first bool) (legacyInfo, error) {
	s.info = legacyInfo{}
	copy(s.info.name[:], s.table)
	s.size = uint32(unsafe.Sizeof(s.info))
	// x/sys has no getsockopt for a struct of one's own.
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

// readLegacyInfo asks for the sizes of the nat table. The socket stays open.
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
		return legacyInfo{}, fmt.Errorf("asking for the size of the %s nat table: %w", n.family, err)
	}
	return info, nil
}

func (n *NAT) closeInfo() {
	if n.info != nil {
		_ = unix.Close(n.info.fd) // nothing was written to it
		n.info = nil
	}
}
