// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"debug/elf"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxFiles is the limit on the number of files.
const maxFiles = 200

// maxSize returns the limit on the size of all files in bytes. On arm64 and
// ppc64le a library is padded to pages of 64 KiB, and iptables has a hundred
// small ones. The padding is zeros, which cost nothing in a compressed image.
func maxSize(arch string) int {
	if arch == "arm64" || arch == "ppc64le" {
		return 24_000_000
	}
	return 16_000_000
}

// envArchive names the archive of the image to test. Without it the tests of the
// image are skipped: building one takes minutes.
const envArchive = "IP_MASQ_AGENT_TEST_IMAGE"

func builtImage(t *testing.T) *image {
	t.Helper()
	archive := os.Getenv(envArchive)
	if archive == "" {
		t.Skip("set " + envArchive + " to the archive of an image: make test-image does so")
	}
	img, err := readImage(archive)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestImageIsSmall(t *testing.T) {
	img := builtImage(t)
	limit := maxSize(img.config.Architecture)
	t.Logf("the image has %d bytes (limit %d) in %d files (limit %d)", img.size(), limit, len(img.files), maxFiles)
	if img.size() > limit || len(img.files) > maxFiles {
		t.Error("the image is over its limits")
	}
}

// TestImageHasNoOtherPrograms wants the agent and iptables, but no shell, no
// package manager and nothing else that can be run.
func TestImageHasNoOtherPrograms(t *testing.T) {
	img := builtImage(t)
	want := []string{"ip-masq-agent",
		"usr/sbin/ip6tables", "usr/sbin/ip6tables-legacy", "usr/sbin/ip6tables-legacy-restore", "usr/sbin/ip6tables-legacy-save",
		"usr/sbin/ip6tables-nft", "usr/sbin/ip6tables-nft-restore", "usr/sbin/ip6tables-nft-save", "usr/sbin/ip6tables-restore", "usr/sbin/ip6tables-save",
		"usr/sbin/iptables", "usr/sbin/iptables-legacy", "usr/sbin/iptables-legacy-restore", "usr/sbin/iptables-legacy-save",
		"usr/sbin/iptables-nft", "usr/sbin/iptables-nft-restore", "usr/sbin/iptables-nft-save", "usr/sbin/iptables-restore", "usr/sbin/iptables-save",
		"usr/sbin/xtables-legacy-multi", "usr/sbin/xtables-nft-multi",
	}
	var got []string
	for name, f := range img.files {
		// The loader and the library of C may be executable.
		isLibrary := strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "usr/lib/")
		if strings.Contains(name, "bin/") || f.mode.IsRegular() && f.mode&0o111 != 0 && !isLibrary {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

// TestImageHasEveryLibrary reads what each program, library and extension of
// iptables needs, for any architecture.
func TestImageHasEveryLibrary(t *testing.T) {
	img := builtImage(t)
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390}[img.config.Architecture]
	var libraries []string
	for name := range img.files {
		if strings.Contains(name, "lib/") || strings.HasPrefix(name, "lib") {
			libraries = append(libraries, path.Base(name))
		}
	}
	extensions := 0
	for _, name := range slices.Sorted(maps.Keys(img.files)) {
		binary, err := elf.NewFile(bytes.NewReader(img.files[name].data))
		if err != nil {
			continue // another kind of file
		}
		if binary.Machine != machine {
			t.Errorf("%s is for %v, the image for %s", name, binary.Machine, img.config.Architecture)
		}
		if strings.Contains(name, "/xtables/") {
			extensions++
		}
		needs, err := binary.ImportedLibraries()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range binary.Progs {
			if p.Type == elf.PT_INTERP {
				loader := make([]byte, p.Filesz)
				if _, err := p.ReadAt(loader, 0); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if _, ok := img.files[strings.Trim(string(loader), "/\x00")]; !ok {
					t.Errorf("%s needs %s, which the image does not have", name, loader)
				}
			}
		}
		for _, library := range needs {
			if !slices.Contains(libraries, library) {
				t.Errorf("%s needs %s, which the image does not have", name, library)
			}
		}
	}
	for name, f := range img.files {
		target := path.Join("/", path.Dir(name), f.link)
		if path.IsAbs(f.link) {
			target = f.link
		}
		if f.link != "" && !img.has(strings.TrimPrefix(target, "/")) {
			t.Errorf("%s links to %s, which the image does not have", name, f.link)
		}
	}
	if extensions < 90 {
		t.Errorf("the image has %d extensions of iptables, want at least 90", extensions)
	}
}

func TestSBOMOfTheImage(t *testing.T) {
	doc := written(t, builtImage(t), moduleLicenses)
	var debian []string
	modules := 0
	for _, p := range doc.Packages {
		for _, ref := range p.PackageExternalReferences {
			if p.PackageLicenseDeclared == noAssertion || p.PackageVersion == "" {
				t.Errorf("%s %s: license %s", p.PackageName, p.PackageVersion, p.PackageLicenseDeclared)
			}
			if strings.HasPrefix(ref.Locator, "pkg:deb/") {
				debian = append(debian, p.PackageName)
			} else {
				modules++
			}
		}
	}
	want := []string{"base-files", "iptables", "libc6", "libip4tc2", "libip6tc2", "libmnl0", "libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11", "libxtables12", "netbase"}
	if diff := cmp.Diff(want, debian); diff != "" {
		t.Errorf("Debian packages (-want +got):\n%s", diff)
	}
	if modules < 10 {
		t.Errorf("the SBOM has %d Go modules", modules)
	}
}
