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

	"ip-masq-agent/pkg/config"
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
	mode              uint16 // the kind of file alone; 0 if there is none
	major, minor      uint32 // of the device
	inode, size       uint64
	modified, changed int64 // Unix time in nanoseconds
}

// glance tells whether a file, or a file of a directory, may have changed since
// it was last read.
type glance struct {
	settle  time.Duration // settleTime, but for tests
	watched []watched     // as they were just before the last reading
	proof   bool          // equal signs mean that nothing changed
	skipped int           // readings
	stat    unix.Statx_t
}

// watched is a path to look at.
type watched struct {
	path []byte // with the zero byte that ends it
	sign fileSign
}

func newGlance() *glance { return &glance{settle: settleTime} }

// unchanged tells that the file is what it was when it was last read. It is one
// raw system call for a file, and one for each path of [config.Watched]: see
// generationSocket in pkg/nftables for what raw calls save.
func (g *glance) unchanged() bool {
	if !g.proof || g.skipped >= maxSkipped {
		return false
	}
	for i := range g.watched {
		sign, err := g.look(g.watched[i].path, true)
		if err != nil || sign != g.watched[i].sign {
			return false
		}
	}
	g.skipped++
	return true
}

// beforeReading remembers how the files look. They must be read afterwards, so
// that a change in between makes the next look differ. The path itself is looked
// at before its files are listed, so that one that comes or goes meanwhile does.
func (g *glance) beforeReading(path string) {
	g.watched, g.proof, g.skipped = g.watched[:0], true, 0
	g.watch(path)
	for _, file := range config.Watched(path) {
		g.watch(file)
	}
}

// watch adds a path to the watched ones.
func (g *glance) watch(path string) {
	w := watched{path: append([]byte(path), 0)}
	var err error
	w.sign, err = g.look(w.path, false)
	g.proof = g.proof && err == nil && isLocal(path) && (w.sign.mode == 0 || g.settled(w.sign))
	g.watched = append(g.watched, w)
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

// look asks the kernel by statx(2), with a raw system call if that cannot wait.
func (g *glance) look(path []byte, raw bool) (fileSign, error) {
	var errno unix.Errno
	cwd, s := unix.AT_FDCWD, &g.stat
	if raw {
		_, _, errno = unix.RawSyscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	} else {
		_, _, errno = unix.Syscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	}
	switch {
	case errno == unix.ENOENT:
		return fileSign{}, nil
	case errno != 0:
		return fileSign{}, errno
	}
	nanoseconds := func(t unix.StatxTimestamp) int64 { return t.Sec*int64(time.Second) + int64(t.Nsec) }
	return fileSign{s.Mode & unix.S_IFMT, s.Dev_major, s.Dev_minor, s.Ino, s.Size, nanoseconds(s.Mtime), nanoseconds(s.Ctime)}, nil
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
