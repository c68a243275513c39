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
)

func TestBlank(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    reading
		want bool
	}{
		{"empty", reading{}, true},
		{"comments", reading{data: []byte("# a\n \t# b\n---\n\n")}, true},
		{"a key", reading{data: []byte("# a\nresyncInterval: 5s")}, false},
		{"missing", reading{err: fmt.Errorf("reading: %w", fs.ErrNotExist)}, true},
		{"not readable", reading{err: fs.ErrPermission}, false},
	} {
		if got := tt.r.blank(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestSameReading(t *testing.T) {
	base := reading{made: true, data: []byte("a"), err: errors.New("e")}
	for _, tt := range []struct {
		name string
		r    reading
		want bool
	}{
		{"equal", reading{made: true, data: []byte("a"), err: errors.New("e")}, true},
		{"not made", reading{data: []byte("a"), err: errors.New("e")}, false},
		{"other data", reading{made: true, data: []byte("b"), err: errors.New("e")}, false},
		{"another error", reading{made: true, data: []byte("a"), err: errors.New("f")}, false},
		{"no error", reading{made: true, data: []byte("a")}, false},
	} {
		if base.same(tt.r) != tt.want || tt.r.same(base) != tt.want {
			t.Errorf("%s: %v and %v", tt.name, base.same(tt.r), tt.r.same(base))
		}
	}
}

func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	info := func(name string) fs.FileInfo {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		return info
	}
	a, b := reading{info: info("a")}, reading{info: info("b")}
	if !a.sameFile(a) || a.sameFile(b) || a.sameFile(reading{}) || (reading{}).sameFile(a) || (reading{}).sameFile(reading{}) {
		t.Error("a file is another one, or not itself")
	}
}

func TestVerified(t *testing.T) {
	failure := errors.New("no")
	for _, tt := range []struct {
		p    Pass
		want bool
	}{
		{Pass{Source: FromFile}, true}, {Pass{Source: FromDefault}, true}, {Pass{Source: FromKernel}, false},
		{Pass{Source: FromFile, Err: failure}, false}, {Pass{Source: FromKernel, Err: failure}, false},
	} {
		if got := tt.p.Verified(); got != tt.want {
			t.Errorf("%+v: %v", tt.p, got)
		}
	}
}
