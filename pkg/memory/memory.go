// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package memory keeps the memory of the agent small on nodes of any size.
package memory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// UseOneCPU makes the Go runtime use one CPU, unless GOMAXPROCS is set. On a node with
// 64 CPUs, the caches and threads that it has for each CPU take 11 MB. The agent does
// not need more CPUs, because most of the time it waits for other processes.
func UseOneCPU() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// ReleaseTimes returns the times after the start at which memory can be released:
// after the first sync, and after the search for the rules of other agents.
func ReleaseTimes() []time.Duration { return []time.Duration{time.Second, 3 * time.Second} }

// Release releases the memory that only the start of the agent needed. Unless GOGC
// is set, it also makes later garbage collections more frequent: 0.4 MB are in use,
// and by default the runtime collects only at 4 MB. During the start, collections
// cost more than they save.
func Release() error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25) // of 4 MB
	}
	debug.FreeOSMemory()
	return ReleaseProgramPages()
}

// ReleaseProgramPages removes the pages of the program's code and constants from the
// memory of the process. Most of them are needed only once. The kernel maps others
// again from the page cache when they are used.
//
// It does nothing in a program that is relocated when it is loaded (PIE), or that has
// pages which are written to at the start and then protected (RELRO). Read from the
// file again, such pages would lack what was written.
func ReleaseProgramPages() error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	if fixed, err := isFixed("/proc/self/exe"); err != nil || !fixed {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(maps) { // see proc(5): START-END MODE OFFSET DEVICE INODE PATH
		fields := strings.Fields(string(line))
		if len(fields) < 6 || !strings.HasSuffix(string(line), " "+exe+"\n") || strings.Contains(fields[1], "w") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("releasing the pages of the program: %w", errno)
		}
	}
	return nil
}

// isFixed reports whether all pages of a program that cannot be written to are as in
// its file. It reads the program headers, see elf(5). debug/elf would add 0.2 MB to
// the program.
func isFixed(path string) (bool, error) {
	const executable, relro = 2, 0x6474e552 // ET_EXEC, PT_GNU_RELRO
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, 4096) // the headers are in the first page
	if _, err := io.ReadFull(f, b); err != nil {
		return false, fmt.Errorf("reading the program: %w", err)
	}
	order := binary.NativeEndian
	offset, size, count := uint64(order.Uint32(b[28:])), uint64(order.Uint16(b[42:])), uint64(order.Uint16(b[44:]))
	if b[4] == 2 { // ELFCLASS64
		offset, size, count = order.Uint64(b[32:]), uint64(order.Uint16(b[54:])), uint64(order.Uint16(b[56:]))
	}
	if order.Uint16(b[16:]) != executable || offset+size*count > uint64(len(b)) {
		return false, nil
	}
	for n := range count {
		if order.Uint32(b[offset+n*size:]) == relro {
			return false, nil
		}
	}
	return true, nil
}
