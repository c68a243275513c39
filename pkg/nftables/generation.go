// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// generations returns the generation of the rule set, see nft(8). It is a
// generationSocket except in tests.
type generations interface {
	ask() (uint32, error)
	close() error
}

// generationSocket asks for the generation of the rule set in two system calls,
// without an allocation. It has a socket of its own, which answers of abandoned
// dumps cannot reach.
//
// It uses raw system calls, which the Go scheduler does not see: each check
// would otherwise wake threads of the runtime, which costs ten times as much as the
// check. A raw call must not block, as it would stop every goroutine. This one
// cannot: the socket does not block, and the kernel answers NFT_MSG_GETGEN
// within the call that sends it, without a lock (NFNL_CB_RCU).
type generationSocket struct {
	fd       int
	sequence uint32
	request  [unix.SizeofNlMsghdr + nfgenmsgBytes]byte
	answer   [512]byte
}

func newGenerationSocket() (*generationSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	s := &generationSocket{fd: fd}
	binary.NativeEndian.PutUint32(s.request[0:], uint32(len(s.request)))
	binary.NativeEndian.PutUint16(s.request[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN)
	binary.NativeEndian.PutUint16(s.request[6:], unix.NLM_F_REQUEST)
	return s, nil
}

func (s *generationSocket) close() error { return unix.Close(s.fd) }

// ask returns the generation. After an error the socket must not be used again,
// because the answer may still come.
func (s *generationSocket) ask() (uint32, error) {
	s.sequence++
	binary.NativeEndian.PutUint32(s.request[8:], s.sequence)
	if _, err := raw(unix.SYS_WRITE, s.fd, s.request[:]); err != nil {
		return 0, fmt.Errorf("asking the kernel: %w", err)
	}
	n, err := raw(unix.SYS_READ, s.fd, s.answer[:])
	if err != nil {
		return 0, fmt.Errorf("reading the kernel's answer: %w", err)
	}
	return generationOf(s.answer[:n], s.sequence)
}

// raw reads or writes a descriptor that does not block.
func raw(call uintptr, fd int, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), nil
	}
}

var errNoGeneration = errors.New("the kernel's answer has no generation")

// generationOf parses an NFT_MSG_NEWGEN, or the error that came instead.
func generationOf(b []byte, sequence uint32) (uint32, error) {
	if len(b) < unix.SizeofNlMsghdr+nfgenmsgBytes {
		return 0, errShort
	}
	if got := binary.NativeEndian.Uint32(b[8:]); got != sequence {
		return 0, fmt.Errorf("netlink answer %d to request %d", got, sequence)
	}
	kind, attrs := binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr+nfgenmsgBytes:]
	if kind == unix.NLMSG_ERROR {
		return 0, unix.Errno(-int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])))
	}
	for len(attrs) >= unix.SizeofNlAttr {
		size := int(binary.NativeEndian.Uint16(attrs))
		if size < unix.SizeofNlAttr || size > len(attrs) {
			break
		}
		if binary.NativeEndian.Uint16(attrs[2:]) == unix.NFTA_GEN_ID && size >= unix.SizeofNlAttr+4 {
			return binary.BigEndian.Uint32(attrs[unix.SizeofNlAttr:]), nil
		}
		attrs = attrs[min((size+3)&^3, len(attrs)):]
	}
	return 0, errNoGeneration
}
