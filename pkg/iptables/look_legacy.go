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

// readLegacyInfo asks for the nat table's. Any rule that comes or goes changes
// the number of entries, one that is replaced by another often the size.
func readLegacyInfo(f netfilter.Family) (legacyInfo, error) {
	domain, level := unix.AF_INET, unix.IPPROTO_IP
	if f == netfilter.IPv6 {
		domain, level = unix.AF_INET6, unix.IPPROTO_IPV6
	}
	fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return legacyInfo{}, fmt.Errorf("opening a raw socket: %w", err)
	}
	defer unix.Close(fd)
	var info legacyInfo
	copy(info.name[:], natTable)
	size := uint32(unsafe.Sizeof(info))
	// x/sys has no getsockopt for a struct of one's own.
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), getInfo,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return legacyInfo{}, fmt.Errorf("asking for the size of the %s nat table: %w", f, errno)
	}
	return info, nil
}
