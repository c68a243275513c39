// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ip-masq-agent")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadSize(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20} {
		want := bytes.Repeat([]byte("#"), size)
		got, err := config.Read(write(t, want))
		if err != nil || len(got) != 1 || !bytes.Equal(got[0].Data, want) {
			t.Errorf("Read of %d bytes: %+v, %v", size, got, err)
		}
	}
	path := write(t, bytes.Repeat([]byte("#"), 1<<20+1))
	checkReadInvalid(t, path, path+": is larger than 1 MiB, the maximum size of a ConfigMap: shorten it")
}

// Reading a FIFO could block, and a device may have no end.
func TestReadRejectsOtherFiles(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "socket")
	// Unlike bind(2), mknod(2) takes a path of any length.
	if err := syscall.Mknod(socket, syscall.S_IFSOCK|0o600, 0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, socket, "/dev/zero"} {
		checkReadInvalid(t, path, path+`: is not a regular file: mount the key "config" of the ConfigMap as this file`)
	}
}

func checkReadInvalid(t *testing.T, path, want string) {
	t.Helper()
	for name, read := range map[string]func() error{
		"Read": func() error { _, err := config.Read(path); return err },
		"Load": func() error { _, err := config.Load(path, config.Options{}); return err },
	} {
		err := read()
		if _, ok := errors.AsType[*config.InvalidError](err); !ok {
			t.Fatalf("%s(%s) = %v; want an InvalidError", name, path, err)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%s(%s) (-want +got):\n%s", name, path, diff)
		}
	}
}

func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	if _, err := config.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read of a missing file: %v; want fs.ErrNotExist", err)
	}
	o := config.Options{ReservedRanges: true}
	got, err := config.Load(path, o)
	if err != nil || len(got.Files) > 0 {
		t.Fatalf("Load of a missing file: %v, %v", got.Files, err)
	}
	if diff := cmp.Diff(config.Default(o), got.Config, comparable); diff != "" {
		t.Errorf("Load of a missing file (-want +got):\n%s", diff)
	}
}

// A file that cannot be read must not have the same effect as a missing one.
func TestUnreadableFile(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(link, link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path   string
		want   error
		remedy string
	}{
		{filepath.Join(write(t, nil), "below-a-file"), syscall.ENOTDIR, "not a directory: correct the path, part of which is a file"},
		{link, syscall.ELOOP, "too many levels of symbolic links: replace the symbolic link, which leads back to itself, with the file"},
	} {
		c, err := config.Load(test.path, config.Options{})
		if !errors.Is(err, test.want) {
			t.Fatalf("Load(%s) = %+v, %v; want %v", test.path, c, err, test.want)
		}
		if diff := cmp.Diff("reading the configuration: open "+test.path+": "+test.remedy, err.Error()); diff != "" {
			t.Errorf("Load (-want +got):\n%s", diff)
		}
	}
}

// As root the test drops the capability to read any file, for this thread only.
func TestFileWithoutPermission(t *testing.T) {
	path := write(t, nil)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	_, err := config.Read(path)
	if err := syscall.Setfsuid(os.Geteuid()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("Read(%s): %v; want fs.ErrPermission", path, err)
	}
	want := "reading the configuration: open " + path + ": permission denied: give the agent's user permission to read it"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

// A read that fails must not have the same effect as an empty file.
func TestReadThatFails(t *testing.T) {
	const path = "/proc/self/mem" // of which the first page is not mapped
	if files, err := config.Read(path); !errors.Is(err, syscall.EIO) {
		t.Errorf("Read(%s) = %+v, %v; want EIO", path, files, err)
	}
}

func TestReadClosesTheFile(t *testing.T) {
	path := write(t, nil)
	open := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	before := open()
	for range 20 {
		if _, err := config.Read(path); err != nil {
			t.Fatal(err)
		}
	}
	if after := open(); after > before+10 {
		t.Errorf("%d open files became %d", before, after)
	}
}

// The kubelet mounts the keys of a ConfigMap as links to files below a link.
func TestLoadThroughLinks(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "..2026_01_01")
	path := filepath.Join(dir, "ip-masq-agent")
	for _, err := range []error{
		os.Mkdir(data, 0o755),
		os.WriteFile(filepath.Join(data, "config"), []byte("resyncInterval: 5s\n"), 0o644),
		os.Symlink("..2026_01_01", filepath.Join(dir, "..data")),
		os.Symlink("..data/config", path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(path, config.Options{})
	if err != nil || c.Config.ResyncInterval != 5*time.Second {
		t.Errorf("Load(%s) = %+v, %v; want an interval of 5s", path, c, err)
	}
}
