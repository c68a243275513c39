// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

const (
	// messageOverhead is the maximum number of bytes that a message needs in a
	// socket buffer besides its own: struct sk_buff and the rounding of its memory.
	messageOverhead = 2048
	// minBuffer is the minimum size of both buffers, in bytes.
	minBuffer = 1 << 20
)

// commit sends operations as one transaction: the kernel does all of them or,
// after an error, none. The error names the first operation that the kernel
// rejected.
//
// A transaction is one datagram, and the kernel answers each of its messages
// before the call that sends it returns. Therefore the socket needs buffers for the
// whole transaction. commit opens a socket of its own, because a socket keeps its
// buffers until it is closed.
func commit(ctx context.Context, operations []operation) error {
	messages, size := batch(operations)
	socket, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("opening a netlink socket: %w", err)
	}
	defer socket.Close()
	if err := prepare(ctx, socket, size, len(messages)); err != nil {
		return err
	}
	sent, err := socket.SendMessages(messages)
	if errors.Is(err, unix.EMSGSIZE) {
		return fmt.Errorf("sending a transaction of %d bytes: it exceeds the socket's buffer, which only CAP_NET_ADMIN may enlarge: %w", size, err)
	}
	if err != nil {
		return fmt.Errorf("sending a transaction of %d bytes: %w", size, err)
	}
	if err := acknowledged(socket, operations, sent); err != nil {
		return err
	}
	klog.FromContext(ctx).V(4).Info("Committed a transaction to nf_tables", "messages", len(operations), "bytes", size)
	return nil
}

// prepare sets up a socket for a transaction and its answers.
func prepare(ctx context.Context, socket *netlink.Conn, size, messages int) error {
	deadline, ok := ctx.Deadline()
	if limit := time.Now().Add(patience); !ok || limit.Before(deadline) {
		deadline = limit
	}
	if err := socket.SetDeadline(deadline); err != nil {
		return fmt.Errorf("setting a netlink socket's deadline: %w", err)
	}
	if err := socket.SetWriteBuffer(max(size+messageOverhead, minBuffer)); err != nil {
		return fmt.Errorf("setting a netlink socket's send buffer: %w", err)
	}
	// The answer to a rejected message contains the message.
	if err := socket.SetReadBuffer(max(size+messages*messageOverhead, minBuffer)); err != nil {
		return fmt.Errorf("setting a netlink socket's receive buffer: %w", err)
	}
	// Kernels before 4.12 lack this. Errors are less detailed there.
	_ = socket.SetOption(netlink.ExtendedAcknowledge, true)
	return nil
}

// batch returns the messages of a transaction and their length in bytes.
func batch(operations []operation) (messages []netlink.Message, size int) {
	messages = append(messages, boundary(unix.NFNL_MSG_BATCH_BEGIN))
	for _, o := range operations {
		messages = append(messages, newRequest(o.family, unix.NFNL_SUBSYS_NFTABLES, o.kind, o.flags|netlink.Acknowledge, o.attrs))
	}
	messages = append(messages, boundary(unix.NFNL_MSG_BATCH_END))
	for _, m := range messages {
		size += unix.SizeofNlMsghdr + len(m.Data) + unix.NLMSG_ALIGNTO
	}
	return messages, size
}

// boundary returns the message that begins or ends a transaction of nf_tables.
func boundary(kind netlink.HeaderType) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request},
		Data:   binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, 0}, unix.NFNL_SUBSYS_NFTABLES), // struct nfgenmsg
	}
}

// acknowledged reads the kernel's answers to all messages of a transaction.
func acknowledged(socket *netlink.Conn, operations []operation, sent []netlink.Message) error {
	whats := map[uint32]string{}
	for i, o := range operations {
		whats[sent[i+1].Header.Sequence] = o.what
	}
	var first error
	for len(whats) > 0 {
		answers, err := socket.Receive()
		var op *netlink.OpError
		switch {
		case errors.As(err, &op) && op.Sequence != 0:
			what, ok := whats[op.Sequence]
			if !ok { // the transaction as a whole
				return fmt.Errorf("committing the transaction: %w", err)
			}
			if first == nil {
				first = fmt.Errorf("%s: %w", what, err)
			}
			delete(whats, op.Sequence)
		case err != nil:
			return errors.Join(first, fmt.Errorf("reading the kernel's answer to a transaction: %w", err))
		}
		for _, a := range answers {
			delete(whats, a.Header.Sequence)
		}
	}
	return first
}
