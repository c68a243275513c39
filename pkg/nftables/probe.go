// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// HasExtension reports whether rules of iptables-nft can use a match or a target
// in a revision: whether the kernel has nft_compat and the extension, or can
// load them. iptables sends the same request before it writes a rule.
func (c *Conn) HasExtension(name string, revision uint8, target bool, f netfilter.Family) (bool, error) {
	kind := uint32(0)
	if target {
		kind = 1
	}
	const get = 0 // NFNL_MSG_COMPAT_GET
	err := c.ask(newRequest(protoOf(f), unix.NFNL_SUBSYS_NFT_COMPAT, get, 0, []netlink.Attribute{
		attrText(unix.NFTA_COMPAT_NAME, name),
		attrNumber(unix.NFTA_COMPAT_REV, uint32(revision)),
		attrNumber(unix.NFTA_COMPAT_TYPE, kind),
	}))
	switch {
	case err == nil:
		return true, nil
	// No such extension, no such revision, no nft_compat.
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return false, nil
	}
	return false, fmt.Errorf("asking for iptables extension %s revision %d: %w", name, revision, err)
}

// ask sends a request and waits for one datagram. nft_compat marks its answer as
// a part of several, but sends no end, for which [netlink.Conn.Receive] waits.
func (c *Conn) ask(m netlink.Message) error {
	if err := c.dial(); err != nil {
		return err
	}
	err := c.askOnce(m)
	var errno unix.Errno
	if err != nil && !errors.As(err, &errno) {
		c.drop()
	}
	return err
}

func (c *Conn) askOnce(m netlink.Message) error {
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	sent, err := c.socket.Send(m)
	if err != nil {
		return err
	}
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return err
	}
	buffer, n := make([]byte, 4096), 0
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		n, _, failure = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
		return !errors.Is(failure, unix.EAGAIN) && !errors.Is(failure, unix.EINTR)
	})
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	if n < unix.NLMSG_HDRLEN {
		return errShort
	}
	kind, sequence := binary.NativeEndian.Uint16(buffer[4:]), binary.NativeEndian.Uint32(buffer[8:])
	switch {
	case sequence != sent.Header.Sequence:
		return fmt.Errorf("netlink answer %d to request %d", sequence, sent.Header.Sequence)
	case netlink.HeaderType(kind) != netlink.Error:
		return nil
	case n < unix.NLMSG_HDRLEN+4:
		return errShort
	}
	if errno := -int32(binary.NativeEndian.Uint32(buffer[unix.NLMSG_HDRLEN:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}
