// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"path/filepath"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// settleTime is the age that a file must have before its timestamps prove
	// that it was not changed since. It is more than the coarsest granularity of
	// timestamps, 2 s: a file that is written twice within one step of the clock
	// can have the same timestamps and size both times.
	settleTime = 4 * time.Second
	// maxSkipped is how many readings in a row are skipped. Some writes do not
	// change the timestamps at once, such as those through mmap(2).
	maxSkipped = 60
)

// fileSign is what the kernel tells about a file without reading it. It follows
// symbolic links, so it changes when the kubelet replaces the link ..data.
type fileSign struct {
	exists            bool
	major, minor      uint32 // of the device
	inode, size       uint64
	modified, changed int64 // Unix time in nanoseconds
}

// glance tells whether a file may have changed since it was last read.
type glance struct {
	settle  time.Duration // settleTime, but for tests
	path    []byte        // with the zero byte that ends it
	sign    fileSign      // just before the last reading
	proof   bool          // an equal sign means that the file did not change
	skipped int           // readings
	stat    unix.Statx_t
}

func newGlance(path string) *glance {
	return &glance{settle: settleTime, path: append([]byte(path), 0)}
}

// unchanged tells that the file is what it was when it was last read. It is one
// raw system call: see generationSocket in pkg/nftables for what that saves.
func (g *glance) unchanged() bool {
	if !g.proof || g.skipped >= maxSkipped {
		return false
	}
	sign, err := g.look(true)
	if err != nil || sign != g.sign {
		return false
	}
	g.skipped++
	return true
}

// beforeReading remembers how the file looks. The file must be read afterwards,
// so that a change in between makes the next look differ.
func (g *glance) beforeReading(path string) {
	sign, err := g.look(false)
	g.sign, g.skipped = sign, 0
	g.proof = err == nil && isLocal(path) && (!sign.exists || g.settled(sign))
}

// settled tells whether the timestamps are old enough. One that lies in the
// future is not.
func (g *glance) settled(s fileSign) bool {
	var now unix.Timespec // of the kernel, which also made the timestamps
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return false
	}
	return time.Duration(now.Nano()-s.changed) > g.settle
}

// look asks the kernel by statx(2), with a raw system call if that cannot wait. It
// fails for what is not a regular file.
func (g *glance) look(raw bool) (fileSign, error) {
	var errno unix.Errno
	cwd, s := unix.AT_FDCWD, &g.stat
	if raw {
		_, _, errno = unix.RawSyscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&g.path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	} else {
		_, _, errno = unix.Syscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&g.path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	}
	switch {
	case errno == unix.ENOENT:
		return fileSign{}, nil
	case errno != 0:
		return fileSign{}, errno
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		return fileSign{}, errors.ErrUnsupported
	}
	nanoseconds := func(t unix.StatxTimestamp) int64 { return t.Sec*int64(time.Second) + int64(t.Nsec) }
	return fileSign{true, s.Dev_major, s.Dev_minor, s.Ino, s.Size, nanoseconds(s.Mtime), nanoseconds(s.Ctime)}, nil
}

// localFileSystems are those that answer statx(2) without waiting for a server
// or another program, and whose timestamps are the kernel's own: tmpfs, ext2 to
// ext4, XFS, Btrfs, F2FS and overlayfs.
var localFileSystems = []int64{unix.TMPFS_MAGIC, unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC}

// isLocal tells whether the file at path, or else the nearest directory above it
// that exists, is in one of them.
func isLocal(path string) bool {
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(path, &fs)
		if err == nil {
			return slices.Contains(localFileSystems, int64(fs.Type))
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, unix.ENOENT) || parent == path {
			return false
		}
		path = parent
	}
}
