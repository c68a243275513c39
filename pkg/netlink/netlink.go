// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package netlink answers: how is the kernel asked something without running a
// process?
//
// Ask sends one question and walks the messages of its answer, Attributes walks
// what is in a message. Whoever asks knows the kinds and the meanings; here is
// only the form, that of netlink(7). Nothing is ever changed with it.
package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Question is one message to the kernel.
type Question struct {
	Protocol   int    // the socket's, such as unix.NETLINK_NETFILTER
	Kind       uint16 // nlmsg_type
	Dump       bool   // asks for all there are
	Header     []byte // the family's own, such as struct nfgenmsg or rtmsg
	Attributes []byte // made with Attribute
}

const (
	// answerWait bounds each wait: the kernel answers at once or never.
	answerWait = 2 * time.Second
	// dumpWait bounds a whole dump; a million connections take about a second.
	dumpWait = 20 * time.Second
)

// Ask hands each message of the answer to each, without its netlink header, and
// ends at each's first error. An error of the kernel's is a unix.Errno.
func Ask(q Question, each func(kind uint16, body []byte) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, q.Protocol)
	if err != nil {
		return fmt.Errorf("opening a netlink socket: %w", err)
	}
	defer unix.Close(fd)
	wait := unix.NsecToTimeval(answerWait.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return fmt.Errorf("bounding a netlink socket: %w", err)
	}
	if err := unix.Sendto(fd, q.encode(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking the kernel: %w", err)
	}
	buffer := make([]byte, 32<<10) // as much as the kernel fills of a dump at a time
	for end := time.Now().Add(dumpWait); time.Now().Before(end); {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return fmt.Errorf("waiting for the kernel's answer: %w", err)
		}
		if more, err := messages(buffer[:n], each); err != nil || !more {
			return err
		}
	}
	return fmt.Errorf("the kernel's answer has no end after %v", dumpWait)
}

var errCutOff = errors.New("a message of the kernel is cut off")

func (q Question) encode() []byte {
	length := unix.SizeofNlMsghdr + len(q.Header) + len(q.Attributes)
	flags := uint16(unix.NLM_F_REQUEST)
	if q.Dump {
		flags |= unix.NLM_F_DUMP
	}
	b := make([]byte, unix.SizeofNlMsghdr, length)
	binary.NativeEndian.PutUint32(b[0:], uint32(length))
	binary.NativeEndian.PutUint16(b[4:], q.Kind)
	binary.NativeEndian.PutUint16(b[6:], flags)
	return append(append(b, q.Header...), q.Attributes...)
}

// messages walks the messages of one packet. More are to come if they are parts
// of a dump whose end was not among them.
func messages(b []byte, each func(kind uint16, body []byte) error) (more bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(b))
		if length < unix.SizeofNlMsghdr || length > len(b) {
			return false, errCutOff
		}
		kind, flags, body := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:]), b[unix.SizeofNlMsghdr:length]
		b = b[min(align(length), len(b)):]
		switch {
		case kind == unix.NLMSG_DONE:
			return false, nil
		case kind == unix.NLMSG_ERROR && len(body) < 4:
			return false, errCutOff
		case kind == unix.NLMSG_ERROR:
			return false, fmt.Errorf("the kernel refuses: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(body))))
		}
		if err := each(kind, body); err != nil {
			return false, err
		}
		more = flags&unix.NLM_F_MULTI != 0
	}
	return more, nil
}

// Attribute returns an attribute, padded as the next one needs it.
func Attribute(kind uint16, value []byte) []byte {
	length := unix.SizeofNlAttr + len(value)
	b := make([]byte, align(length))
	binary.NativeEndian.PutUint16(b, uint16(length))
	binary.NativeEndian.PutUint16(b[2:], kind)
	copy(b[unix.SizeofNlAttr:], value)
	return b
}

// Attributes walks attributes, and stops at one that is cut off. The bits that
// mark a nested one, or the order of its bytes, are no part of its kind.
func Attributes(b []byte, each func(kind uint16, value []byte)) {
	for len(b) >= unix.SizeofNlAttr {
		length := int(binary.NativeEndian.Uint16(b))
		if length < unix.SizeofNlAttr || length > len(b) {
			return
		}
		each(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[unix.SizeofNlAttr:length])
		b = b[min(align(length), len(b)):]
	}
}

// align rounds up to NLMSG_ALIGNTO and NLA_ALIGNTO, which are alike.
func align(length int) int { return (length + 3) &^ 3 }
