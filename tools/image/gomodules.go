// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// agentFile is the agent in the image.
const agentFile = "ip-masq-agent"

// goModules returns the version of Go that the agent was built with, without
// "go", and the modules that it has.
func (i *image) goModules() (version string, modules []debug.Module, err error) {
	info, err := buildinfo.Read(bytes.NewReader(i.files[agentFile].data))
	if err != nil {
		return "", nil, fmt.Errorf("reading the build information of /%s: %w", agentFile, err)
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		modules = append(modules, *m)
	}
	version, _, _ = strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	return version, modules, nil
}

// moduleLicenses returns the licenses of each module by its path, in SPDX's
// names. It reads the modules' license files from the module cache, and
// downloads what is not there. A module whose license is not recognized is
// missing in the result.
func moduleLicenses(ctx context.Context, modules []debug.Module) (map[string][]string, error) {
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		args = append(args, m.Path+"@"+m.Version)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = os.TempDir() // outside of a module, whose go.sum would be asked
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("downloading the modules for their licenses: go mod download: %w: %s%s", err, stderr.String(), stdout)
	}
	out := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var m struct{ Path, Dir string }
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("parsing the output of go mod download: %w", err)
		}
		found, err := licensesIn(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("reading the license of %s: %w", m.Path, err)
		}
		if len(found) > 0 {
			out[m.Path] = found
		}
	}
}

// licensesIn returns the licenses in a module's root folder.
func licensesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICENSE") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL { // which may be of another program's license
				found[match.ID] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
