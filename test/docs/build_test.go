// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOneWayToBuild: the binary of the image is the one that make build makes,
// whose size and memory are measured.
func TestOneWayToBuild(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"Dockerfile", "Makefile"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	build := regexp.MustCompile(`go build (.*?) -ldflags`).FindStringSubmatch(files["Dockerfile"])
	if build == nil {
		t.Fatal("the Dockerfile has no go build ... -ldflags")
	}
	for _, flag := range []string{build[1], "CGO_ENABLED=0", "-s -w -X main.version="} {
		for name, text := range files {
			if !strings.Contains(text, flag) {
				t.Errorf("%s does not build with %s", name, flag)
			}
		}
	}
}
