// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

const (
	// getEntries is IPT_SO_GET_ENTRIES and IP6T_SO_GET_ENTRIES.
	getEntries = 65
	// entriesHeader is the size of struct ipt_get_entries and ip6t_get_entries:
	// the name of the table, its size, and four bytes of padding.
	entriesHeader = 40
	// firstWindow and maxWindow are the number of bytes of a table that are read at
	// first, and at most. They are multiples of every page size. All entries of a node
	// with 5,000 Services would take more memory than the rest of the agent.
	firstWindow = 64 << 10
	maxWindow   = 1 << 20
)

// readEntries reads the agent's chain and POSTROUTING from the kernel, without a
// process. It returns false if the result would not be enough for Apply, which then
// needs iptables-legacy-save.
//
// Of POSTROUTING it decodes only the rules that go to the chain.
func (n *NAT) readEntries(chain string) (s state, ok bool) {
	tables, err := LegacyTables(n.family)
	if err != nil {
		return state{}, false
	}
	if !slices.Contains(tables, natTable) {
		return state{}, true // a request for the table would create it
	}
	info, err := n.readLegacyInfo()
	if err != nil {
		return state{}, false
	}
	n.info.readGrowing(info, func(t entries) bool {
		s, ok = t.state(info, chain)
		return ok
	})
	return s, ok
}

// state returns the agent's chain and the jump to it.
func (t entries) state(info legacyInfo, chain string) (s state, ok bool) {
	const hook = 4 // NF_INET_POST_ROUTING
	if info.validHooks&(1<<hook) == 0 {
		return state{}, false
	}
	first, p := t.find(chain)
	if p == unknown {
		return state{}, false
	}
	if p == present {
		s.chain = &netfilter.Chain{Name: chain}
		if s.chain.Rules, ok = t.rules(chain, first); !ok {
			return state{}, false
		}
	}
	s.postrouting = &netfilter.Chain{Name: postrouting}
	s.postrouting.Rules, ok = t.jumps(int(info.hookEntry[hook]), int(info.underflow[hook]), chain, first)
	if !ok {
		return state{}, false
	}
	return s, len(rulesTo(s.postrouting, chain)) <= 1 // deleting one needs the rule as text
}

// HasLegacyChain reports whether a table of iptables-legacy that exists has a
// user-defined chain. known is false if only iptables-legacy-save can find out.
func HasLegacyChain(f netfilter.Family, table, chain string) (has, known bool) {
	s, err := newInfoSocket(f, table)
	if err != nil {
		return false, false
	}
	defer unix.Close(s.fd)
	info, err := s.read(true)
	if err != nil {
		return false, false
	}
	p := unknown
	s.readGrowing(info, func(t entries) bool {
		_, p = t.find(chain)
		return p != unknown
	})
	return p == present, p != unknown
}

// readGrowing reads the start of the table, and then more of it until enough returns
// true. It gives up at maxWindow, or after an error of the kernel.
func (s *infoSocket) readGrowing(info legacyInfo, enough func(entries) bool) {
	// On a 32-bit machine entries have another layout, and a third one for a 32-bit
	// program on a 64-bit kernel. Such nodes use iptables-legacy-save.
	for window := firstWindow; window <= maxWindow && strconv.IntSize == 64; window *= 4 {
		done := false
		err := s.entries(info, window, func(t entries) { done = enough(t) })
		if err != nil || done || window >= entriesHeader+int(info.size) {
			return
		}
	}
}

// entries reads the first window bytes of the table. The kernel copies the entries
// in their order, and fails with EFAULT at the end of the memory, which then holds
// the entries before. use must not keep the entries.
func (s *infoSocket) entries(info legacyInfo, window int, use func(entries)) error {
	total := entriesHeader + int(info.size)
	b, err := unix.Mmap(-1, 0, total, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("reserving memory for the entries of a table: %w", err)
	}
	defer unix.Munmap(b)
	window = min(window, total)
	if err := unix.Mprotect(b[:window], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return fmt.Errorf("getting memory for the entries of a table: %w", err)
	}
	copy(b, s.table)
	*(*uint32)(unsafe.Pointer(&b[32])) = info.size
	length := uint32(total)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), uintptr(s.level), getEntries, uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 && (errno != unix.EFAULT || window == total) {
		return fmt.Errorf("reading the entries of the %s table %s: %w", s.family, s.table, errno)
	}
	use(entries{family: s.family, layout: layoutOf(s.family), data: b[entriesHeader:window], size: int(info.size)})
	return nil
}
