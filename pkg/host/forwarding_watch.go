// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ForwardingWatch reads each second whether the node forwards IPv6. It keeps the
// file open, so that one system call is enough. The zero value is ready to use.
//
// It uses raw system calls, which do not wake threads of the Go runtime. They
// cannot block: the kernel reads net.ipv6.conf.all.forwarding without a lock.
type ForwardingWatch struct {
	open   bool
	fd     uintptr
	path   [len(ipv6Forwarding) + 1]byte // with the zero byte that ends it
	buffer [16]byte
	vector unix.Iovec
}

// Forwards reports what [ForwardsIPv6] reports first. It returns false if the file
// cannot be read, and opens it again the next time. It does not allocate.
func (w *ForwardingWatch) Forwards() bool {
	if !w.open {
		copy(w.path[:], ipv6Forwarding)
		cwd := unix.AT_FDCWD
		fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(cwd), uintptr(unsafe.Pointer(&w.path[0])), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno != 0 {
			return false
		}
		w.fd, w.open = fd, true
	}
	w.vector.Base = &w.buffer[0]
	w.vector.SetLen(len(w.buffer))
	// preadv(2) has the same arguments on all architectures; those of pread64 differ.
	n, _, errno := unix.RawSyscall6(unix.SYS_PREADV, w.fd, uintptr(unsafe.Pointer(&w.vector)), 1, 0, 0, 0)
	if errno != 0 {
		w.Close()
		return false
	}
	return n > 0 && w.buffer[0] != '0'
}

// Close closes the file.
func (w *ForwardingWatch) Close() {
	if w.open {
		_ = unix.Close(int(w.fd)) // an error would have no consequence
		w.open = false
	}
}
