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

// fileState is the metadata of a file that reports whether it changed. It follows
// symbolic links, so it changes when the kubelet replaces the link ..data.
type fileState struct {
	mode              uint16 // the kind of file alone; 0 if there is none
	major, minor      uint32 // of the device
	inode, size       uint64
	modified, changed int64 // Unix time in nanoseconds
}

// fileWatch finds out whether a file, or a file of a directory, may have changed
// since it was last read.
type fileWatch struct {
	settle  time.Duration // settleTime, except in tests
	watched []watched     // as they were before the last reading
	proof   bool          // equal states prove that nothing changed
	skipped int           // readings
	buffer  unix.Statx_t
}

// watched is a path with its state.
type watched struct {
	path  []byte // with the zero byte that ends it
	state fileState
}

func newFileWatch() *fileWatch { return &fileWatch{settle: settleTime} }

// unchanged reports whether the files are proven to be the same as when they were
// last read. It makes one raw system call for a file, and one for each path of
// [config.Watched]; generationSocket in pkg/nftables says what raw calls save.
func (w *fileWatch) unchanged() bool {
	if !w.proof || w.skipped >= maxSkipped {
		return false
	}
	for i := range w.watched {
		state, err := w.stat(w.watched[i].path, true)
		if err != nil || state != w.watched[i].state {
			return false
		}
	}
	w.skipped++
	return true
}

// record records the states of the files. The files must be read afterwards, so
// that a change in between makes the next check differ. It records the path itself
// before it lists the files in it, for the same reason.
func (w *fileWatch) record(path string) {
	w.watched, w.proof, w.skipped = w.watched[:0], true, 0
	w.watch(path)
	for _, file := range config.Watched(path) {
		w.watch(file)
	}
}

// watch records the state of one path.
func (w *fileWatch) watch(path string) {
	added := watched{path: append([]byte(path), 0)}
	var err error
	added.state, err = w.stat(added.path, false)
	w.proof = w.proof && err == nil && isLocal(path) && (added.state.mode == 0 || w.settled(added.state))
	w.watched = append(w.watched, added)
}

// settled reports whether the timestamps are older than settle. A timestamp in the
// future is not.
func (w *fileWatch) settled(s fileState) bool {
	var now unix.Timespec // of the kernel, which also made the timestamps
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return false
	}
	return time.Duration(now.Nano()-s.changed) > w.settle
}

// stat reads the state of a file with statx(2), as a raw system call if it cannot
// block.
func (w *fileWatch) stat(path []byte, raw bool) (fileState, error) {
	var errno unix.Errno
	cwd, s := unix.AT_FDCWD, &w.buffer
	if raw {
		_, _, errno = unix.RawSyscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	} else {
		_, _, errno = unix.Syscall6(unix.SYS_STATX, uintptr(cwd), uintptr(unsafe.Pointer(&path[0])), 0, unix.STATX_BASIC_STATS, uintptr(unsafe.Pointer(s)), 0)
	}
	switch {
	case errno == unix.ENOENT:
		return fileState{}, nil
	case errno != 0:
		return fileState{}, errno
	}
	nanoseconds := func(t unix.StatxTimestamp) int64 { return t.Sec*int64(time.Second) + int64(t.Nsec) }
	return fileState{s.Mode & unix.S_IFMT, s.Dev_major, s.Dev_minor, s.Ino, s.Size, nanoseconds(s.Mtime), nanoseconds(s.Ctime)}, nil
}

// localFileSystems are those that answer statx(2) without waiting for a server
// or another program, and whose timestamps are the kernel's own: tmpfs, ext2 to
// ext4, XFS, Btrfs, F2FS and overlayfs.
var localFileSystems = []int64{unix.TMPFS_MAGIC, unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC}

// isLocal reports whether the file at path, or else the nearest directory above it
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
