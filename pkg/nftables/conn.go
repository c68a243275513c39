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

// patience is the longest wait for one message of the kernel. Commits of other
// programs can hold an answer up for as long as they take.
const patience = 20 * time.Second

// bufferBytes is the size of the buffer that messages are received into. The
// kernel fills at most 32 KiB of it.
const bufferBytes = 64 << 10

// Conn is a connection to nf_tables in the network namespace in which it was
// opened. It is not safe for concurrent use.
type Conn struct {
	socket     *netlink.Conn // nil after a failure; the next request dials again
	generation generations   // nil until the first use, and after a failure
	closed     bool
}

// Dial connects to nf_tables. If the kernel has none, the error is an
// [errors.ErrUnsupported].
func Dial() (*Conn, error) {
	c := &Conn{}
	// This loads the module if necessary. A generationSocket must not wait for that.
	if _, err := c.get(unix.AF_UNSPEC, unix.NFT_MSG_GETGEN, nil); err != nil {
		c.Close()
		return nil, fmt.Errorf("connecting to nf_tables: %w%s", unsupported(err), permission(err))
	}
	return c, nil
}

// unsupported adds errors.ErrUnsupported to the error of a kernel without netlink
// for netfilter, or without nf_tables.
func unsupported(err error) error {
	for _, errno := range []error{unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.EINVAL} {
		if errors.Is(err, errno) {
			return fmt.Errorf("the kernel does not have nf_tables: %w: %w", errors.ErrUnsupported, err)
		}
	}
	return err
}

// permission returns, for an error, the capability that a process needs even to
// read. The kernel's EPERM does not name it.
func permission(err error) string {
	if errors.Is(err, unix.EPERM) {
		return ": the process needs the capability NET_ADMIN"
	}
	return ""
}

// Close closes the connection. Further calls fail.
func (c *Conn) Close() error {
	c.closed = true
	return errors.Join(c.drop(), c.dropGeneration())
}

func (c *Conn) dropGeneration() error {
	if c.generation == nil {
		return nil
	}
	err := c.generation.close()
	c.generation = nil
	return err
}

// drop closes the socket, because the kernel may still send answers to an abandoned
// request on it.
func (c *Conn) drop() error {
	if c.socket == nil {
		return nil
	}
	err := c.socket.Close()
	c.socket = nil
	return err
}

var errClosed = errors.New("the connection to nf_tables is closed")

// dial opens the socket unless it is open.
func (c *Conn) dial() error {
	if c.closed {
		return errClosed
	}
	if c.socket != nil {
		return nil
	}
	socket, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{MessageBufferSize: bufferBytes})
	if err != nil {
		return err
	}
	// Kernels before 4.12 lack this. Errors are less detailed there.
	_ = socket.SetOption(netlink.ExtendedAcknowledge, true)
	c.socket = socket
	return nil
}

// Generation returns the number of the rule set. Each commit of any program
// adds one, also if it changes nothing. It takes about 2 µs and does not wait.
func (c *Conn) Generation() (uint32, error) {
	n, err := c.askGeneration()
	if err != nil {
		return 0, fmt.Errorf("reading the generation of the rule set: %w", err)
	}
	return n, nil
}

func (c *Conn) askGeneration() (n uint32, err error) {
	if c.closed {
		return 0, errClosed
	}
	if c.generation == nil {
		s, err := newGenerationSocket()
		if err != nil {
			return 0, err
		}
		c.generation = s
	}
	if n, err = c.generation.ask(); err != nil {
		_ = c.dropGeneration() // the error is that of ask
	}
	return n, err
}
