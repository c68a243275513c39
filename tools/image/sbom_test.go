// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"
)

// testImage is an image of two packages. Its agent is this test, whose build
// information lists the modules of this folder.
func testImage(t *testing.T) *image {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) file { return file{data: []byte(s)} }
	return &image{
		digest: "0123",
		config: &v1.ConfigFile{Architecture: "arm", Variant: "v7", Created: v1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
			Config: v1.Config{Labels: map[string]string{"org.opencontainers.image.version": "v1.2.3"}}},
		files: map[string]file{
			"ip-masq-agent":                   {data: binary},
			"etc/debian_version":              text("12.4\n"),
			statusFolder + "libc6":            text("Package: libc6\nSource: glibc (2.36-8)\nVersion: 2.36-9+deb12u14\nArchitecture: armhf\nDescription: GNU C Library\n more of it\n"),
			statusFolder + "netbase":          text("Package: netbase\nVersion: 6.4\nArchitecture: all\n"),
			"usr/share/doc/libc6/copyright":   text("This is free text.\n"),
			"usr/share/doc/netbase/copyright": text(machineReadable + "/\n\nFiles: *\nLicense: GPL-2+ and GPL-2\n\nFiles: a\nLicense: custom\n"),
		},
	}
}

// apache is a licenseFinder that needs no network.
func apache(_ context.Context, modules []debug.Module) (map[string][]string, error) {
	return map[string][]string{"github.com/spdx/tools-golang": {"Apache-2.0", "GPL-2.0-or-later"}}, nil
}

func TestSBOM(t *testing.T) {
	doc := written(t, testImage(t), apache)
	type summary struct{ name, version, license, purl string }
	var got []summary
	for _, p := range doc.Packages {
		s := summary{p.PackageName, p.PackageVersion, p.PackageLicenseDeclared, ""}
		for _, ref := range p.PackageExternalReferences {
			s.purl = ref.Locator
		}
		// Of the modules of this test these will do.
		if strings.HasPrefix(s.purl, "pkg:golang") && s.name != "github.com/spdx/tools-golang" && s.name != "github.com/google/licensecheck" {
			continue
		}
		got = append(got, s)
	}
	want := []summary{
		{"ip-masq-agent", "v1.2.3", "NOASSERTION", ""},
		{"ip-masq-agent", "v1.2.3", "Apache-2.0", ""},
		{"github.com/google/licensecheck", "v0.3.1", "NOASSERTION", "pkg:golang/github.com/google/licensecheck@v0.3.1"},
		{"github.com/spdx/tools-golang", "v0.5.7", "Apache-2.0 AND GPL-2.0-or-later", "pkg:golang/github.com/spdx/tools-golang@v0.5.7"},
		{"libc6", "2.36-9+deb12u14", "LicenseRef-Debian-glibc", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=armhf&distro=debian-12&upstream=glibc"},
		{"netbase", "6.4", "GPL-2.0-only AND GPL-2.0-or-later AND LicenseRef-Debian-netbase", "pkg:deb/debian/netbase@6.4?arch=all&distro=debian-12&upstream=netbase"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(summary{})); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	if want, got := "2026-01-02T03:04:05Z", doc.CreationInfo.Created; got != want {
		t.Errorf("created %s, want %s", got, want)
	}
	texts := map[string]string{}
	for _, l := range doc.OtherLicenses {
		texts[l.LicenseIdentifier], _, _ = strings.Cut(l.ExtractedText, "\n")
	}
	if diff := cmp.Diff(map[string]string{"LicenseRef-Debian-glibc": "This is free text.", "LicenseRef-Debian-netbase": machineReadable + "/"}, texts); diff != "" {
		t.Errorf("license texts (-want +got):\n%s", diff)
	}
}

// written writes the SBOM of an image, reads it again, and validates it.
func written(t *testing.T, img *image, find licenseFinder) *spdx.Document {
	t.Helper()
	doc, err := sbom(t.Context(), img, find)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := spdxjson.Write(doc, &text); err != nil {
		t.Fatal(err)
	}
	var read spdx.Document
	if err := spdxjson.ReadInto(bytes.NewReader(text.Bytes()), &read); err != nil {
		t.Fatal(err)
	}
	if err := spdxlib.ValidateDocument(&read); err != nil {
		t.Errorf("the SBOM is not valid: %v", err)
	}
	described, err := spdxlib.GetDescribedPackageIDs(&read)
	if diff := cmp.Diff([]common.ElementID{"Package-Image"}, described); diff != "" || err != nil {
		t.Errorf("described packages: %v (-want +got):\n%s", err, diff)
	}
	// The validation accepts two elements with one identifier.
	var ids []common.ElementID
	for _, p := range read.Packages {
		if slices.Contains(ids, p.PackageSPDXIdentifier) {
			t.Errorf("two packages have the identifier %s", p.PackageSPDXIdentifier)
		}
		ids = append(ids, p.PackageSPDXIdentifier)
	}
	return &read
}

func TestDebianPackageMustBeComplete(t *testing.T) {
	for _, tt := range []struct{ name, path, content, want string }{
		{"no version", statusFolder + "netbase", "Package: netbase\nArchitecture: all\n", "want the fields Package"},
		{"another name", statusFolder + "netbase", "Package: libc6\nVersion: 1\nArchitecture: all\n", "want the fields Package"},
		{"no fields", statusFolder + "netbase", "netbase\n", "parsing var/lib/dpkg/status.d/netbase"},
		{"no copyright file", "usr/share/doc/netbase/copyright", "", "netbase has no copyright file"},
		{"no build information", "ip-masq-agent", "#!/bin/sh\n", "build information of /ip-masq-agent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := testImage(t)
			img.files[tt.path] = file{data: []byte(tt.content)}
			if _, err := sbom(t.Context(), img, apache); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
