// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"ip-masq-agent/pkg/config"
)

func one(data string) config.Files { return config.Files{{Name: "f", Data: []byte(data)}} }

func TestBlank(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    reading
		want bool
	}{
		{"empty", reading{files: one("")}, true},
		{"comments", reading{files: one("# a\n \t# b\n---\n\n")}, true},
		{"a key", reading{files: one("# a\nresyncInterval: 5s")}, false},
		{"missing", reading{err: fmt.Errorf("reading: %w", fs.ErrNotExist)}, true},
		{"not readable", reading{err: fs.ErrPermission}, false},
		{"an empty directory", reading{}, true},
		{"a key in the second file", reading{files: append(one("# a"), one("resyncInterval: 5s")...)}, false},
		{"a file of a directory that is not readable", reading{files: config.Files{{Name: "f", Err: fs.ErrPermission}}}, false},
	} {
		if got := tt.r.blank(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestSameReading(t *testing.T) {
	base := reading{made: true, files: one("a"), err: errors.New("e")}
	for _, tt := range []struct {
		name string
		r    reading
		want bool
	}{
		{"equal", reading{made: true, files: one("a"), err: errors.New("e")}, true},
		{"not made", reading{files: one("a"), err: errors.New("e")}, false},
		{"other data", reading{made: true, files: one("b"), err: errors.New("e")}, false},
		{"another error", reading{made: true, files: one("a"), err: errors.New("f")}, false},
		{"no error", reading{made: true, files: one("a")}, false},
		{"another name", reading{made: true, files: config.Files{{Name: "g", Data: []byte("a")}}, err: errors.New("e")}, false},
		{"one more file", reading{made: true, files: append(one("a"), one("")...), err: errors.New("e")}, false},
		{"a skipped entry", reading{made: true, files: config.Files{{Name: "f", Data: []byte("a"), Skipped: true}}, err: errors.New("e")}, false},
		{"a file that cannot be read", reading{made: true, files: config.Files{{Name: "f", Data: []byte("a"), Err: fs.ErrPermission}}, err: errors.New("e")}, false},
	} {
		if base.same(tt.r) != tt.want || tt.r.same(base) != tt.want {
			t.Errorf("%s: %v and %v", tt.name, base.same(tt.r), tt.r.same(base))
		}
	}
}

func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) config.File {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		return config.File{Info: info}
	}
	a, b := file("a"), file("b")
	if !sameFile(a, a) || sameFile(a, b) || sameFile(a, config.File{}) || sameFile(config.File{}, a) || sameFile(config.File{}, config.File{}) {
		t.Error("a file is another one, or not itself")
	}
}

func TestVerified(t *testing.T) {
	failure := errors.New("no")
	for _, tt := range []struct {
		p    Sync
		want bool
	}{
		{Sync{Source: FromFile}, true}, {Sync{Source: FromDefault}, true}, {Sync{Source: FromKernel}, false},
		{Sync{Source: FromFile, Err: failure}, false}, {Sync{Source: FromKernel, Err: failure}, false},
	} {
		if got := tt.p.Verified(); got != tt.want {
			t.Errorf("%+v: %v", tt.p, got)
		}
	}
}
