// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A reading that commits of other programs interrupt is repeated: at least
// minReadings times, and then until maxReadings or readingTime is reached.
const (
	maxReadings = 50
	minReadings = 5
	readingTime = 5 * time.Second
)

// ErrChanging means that the rule set changed during each try to read it.
var ErrChanging = errors.New("the rule set kept changing while it was read")

// errInterrupted means that a commit happened during a dump, which is then
// incomplete or inconsistent (NLM_F_DUMP_INTR).
var errInterrupted = errors.New("interrupted by a commit")

// newRequest returns a request of a subsystem of netfilter, linux/netfilter/nfnetlink.h.
func newRequest(family uint8, subsystem, kind int, flags netlink.HeaderFlags, attrs []netlink.Attribute) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(subsystem<<8 | kind), Flags: netlink.Request | flags},
		Data:   append([]byte{family, 0, 0, 0}, encode(attrs)...), // struct nfgenmsg
	}
}

// get asks for one object.
func (c *Conn) get(family uint8, kind int, attrs []netlink.Attribute) (message, error) {
	var answer message
	found := false
	err := c.exchange(newRequest(family, unix.NFNL_SUBSYS_NFTABLES, kind, 0, attrs), func(m message) error {
		answer, found = m, true
		return nil
	})
	if err == nil && !found {
		err = errors.New("the kernel sent no answer")
	}
	return answer, err
}

// dump asks for a list of objects and calls fn for each. The error is errInterrupted
// if a commit happened during the dump.
func (c *Conn) dump(family uint8, kind int, attrs []netlink.Attribute, fn func(message) error) error {
	return c.exchange(newRequest(family, unix.NFNL_SUBSYS_NFTABLES, kind, netlink.Dump, attrs), fn)
}

// exchange sends a request and calls fn for each message of the answer. After an
// error of fn, or an interruption, it reads the rest of the answer and ignores it.
func (c *Conn) exchange(m netlink.Message, fn func(message) error) error {
	if err := c.dial(); err != nil {
		return err
	}
	var failure error
	err := c.roundTrip(m, func(m netlink.Message) {
		if failure != nil {
			return
		}
		if m.Header.Flags&netlink.DumpInterrupted != 0 {
			failure = errInterrupted
			return
		}
		answer, err := parseMessage(m.Data)
		if err == nil {
			err = fn(answer)
		}
		failure = err
	})
	var errno unix.Errno
	var op *netlink.OpError
	if err != nil && !(errors.As(err, &op) && op.Sequence != 0 && errors.As(op.Err, &errno)) {
		// This is not an answer of the kernel, which may still send one.
		c.drop()
	}
	return errors.Join(failure, err)
}

func (c *Conn) roundTrip(m netlink.Message, fn func(netlink.Message)) error {
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	sent, err := c.socket.Send(m)
	if err != nil {
		return err
	}
	n := 0
	for m, err := range c.socket.ReceiveIter() {
		if err != nil {
			return err
		}
		if m.Header.Sequence != sent.Header.Sequence {
			return fmt.Errorf("netlink answer %d to request %d", m.Header.Sequence, sent.Header.Sequence)
		}
		if m.Header.Type != netlink.Error { // which would be an acknowledgement
			fn(m)
		}
		if n++; n%256 == 0 {
			if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
				return err
			}
		}
	}
	return nil
}

// consistently calls read, which may send several requests, until no commit happened
// in the meantime.
func (c *Conn) consistently(read func() error) error {
	start, tries := time.Now(), 0
	for ; tries < maxReadings; tries++ {
		if tries >= minReadings && time.Since(start) > readingTime {
			break
		}
		if tries > 0 {
			time.Sleep(time.Duration(min(tries, 10)) * 2 * time.Millisecond)
		}
		before, err := c.Generation()
		if err != nil {
			return err
		}
		if err = read(); errors.Is(err, errInterrupted) {
			continue
		}
		after, errAfter := c.Generation()
		if errAfter != nil {
			return errors.Join(err, errAfter)
		}
		if before == after {
			return err
		}
	}
	return fmt.Errorf("after %d tries: %w", tries, ErrChanging)
}

// absent reports whether an error means that a table, chain or set does not exist.
func absent(err error) bool { return errors.Is(err, unix.ENOENT) }
