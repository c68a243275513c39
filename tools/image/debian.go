// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bufio"
	"fmt"
	"maps"
	"net/textproto"
	"path"
	"slices"
	"strings"
)

// debianPackage is an installed Debian package.
type debianPackage struct {
	name, version, arch string
	source              string // name of the source package
	copyright           string // its copyright file
}

// statusFolder has a file with the control fields of each package.
const statusFolder = "var/lib/dpkg/status.d/"

// debianPackages lists the packages that the image says it has, by name.
func (i *image) debianPackages() ([]debianPackage, error) {
	var out []debianPackage
	for _, name := range slices.Sorted(maps.Keys(i.files)) {
		if !strings.HasPrefix(name, statusFolder) {
			continue
		}
		// The fields of a control file have the syntax of a MIME header.
		text := strings.TrimSpace(string(i.files[name].data)) + "\n\n"
		fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(text))).ReadMIMEHeader()
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", name, err)
		}
		p := debianPackage{name: fields.Get("Package"), version: fields.Get("Version"), arch: fields.Get("Architecture")}
		if p.name != path.Base(name) || p.version == "" || p.arch == "" {
			return nil, fmt.Errorf("%s: want the fields Package (the name of the file), Version and Architecture", name)
		}
		// "glibc" or "glibc (2.36-9)"; a package of the same name has no field.
		p.source, _, _ = strings.Cut(fields.Get("Source"), " ")
		if p.source == "" {
			p.source = p.name
		}
		doc := "usr/share/doc/" + p.name
		if link := i.files[doc].link; link != "" { // to the folder of a package of the same source
			doc = path.Join(path.Dir(doc), link)
		}
		p.copyright = string(i.files[doc+"/copyright"].data)
		if p.copyright == "" {
			return nil, fmt.Errorf("the package %s has no copyright file", p.name)
		}
		out = append(out, p)
	}
	return out, nil
}

// spdxNames has the names of the SPDX license list for those of Debian's
// machine-readable copyright files. Names that can mean several versions of a
// license are not in it.
func spdxNames() map[string]string {
	return map[string]string{
		"GPL-2":     "GPL-2.0-only",
		"GPL-2+":    "GPL-2.0-or-later",
		"GPL-2.0+":  "GPL-2.0-or-later",
		"GPL-3":     "GPL-3.0-only",
		"GPL-3+":    "GPL-3.0-or-later",
		"LGPL-2.1":  "LGPL-2.1-only",
		"LGPL-2.1+": "LGPL-2.1-or-later",
	}
}

const machineReadable = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0"

// licenses returns the licenses that the copyright file names. Those without a
// name in the SPDX license list, and a copyright file that is not
// machine-readable, get a reference; its text is the copyright file.
func (p debianPackage) licenses() []string {
	reference := "LicenseRef-Debian-" + p.source
	if !strings.HasPrefix(p.copyright, machineReadable) {
		return []string{reference}
	}
	names, found := spdxNames(), map[string]bool{}
	for line := range strings.Lines(p.copyright) {
		name, ok := strings.CutPrefix(line, "License:")
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(name, " and ") {
			name = strings.TrimSpace(name)
			if id, known := names[name]; known {
				found[id] = true
			} else {
				found[reference] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
