// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// image is what an image has: its configuration and its files.
type image struct {
	digest string // of the configuration, which names the content of all layers
	config *v1.ConfigFile
	files  map[string]file // by path without the leading slash; no folders
}

// file is a regular file or a link.
type file struct {
	mode fs.FileMode
	link string // target of a symbolic link
	data []byte
}

// readImage reads an archive that has one image.
func readImage(archive string) (*image, error) {
	img, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	out, err := fromImage(img)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	return out, nil
}

func fromImage(img v1.Image) (*image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	digest, err := img.ConfigName()
	if err != nil {
		return nil, err
	}
	layers := mutate.Extract(img)
	defer layers.Close()
	files, err := readFiles(layers)
	if err != nil {
		return nil, err
	}
	return &image{digest: digest.Hex, config: config, files: files}, nil
}

func readFiles(r io.Reader) (map[string]file, error) {
	files := map[string]file{}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		f := file{mode: header.FileInfo().Mode()}
		if f.mode.IsDir() {
			continue
		}
		if f.mode.Type() == fs.ModeSymlink {
			f.link = header.Linkname
		}
		if f.data, err = io.ReadAll(archive); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
		files[path.Clean(header.Name)] = f
	}
}

// has reports whether the image has a file, or a folder with files, of that name.
func (i *image) has(name string) bool {
	for file := range i.files {
		if file == name || strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// size is the size of all files in bytes.
func (i *image) size() int {
	sum := 0
	for _, f := range i.files {
		sum += len(f.data)
	}
	return sum
}

// label returns a label of the image, such as "version" of the OCI annotations.
func (i *image) label(name string) string {
	return i.config.Config.Labels["org.opencontainers.image."+name]
}
