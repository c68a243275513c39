// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDropProgramPages has the test's own code unmapped, and mapped again by what
// runs afterwards.
func TestDropProgramPages(t *testing.T) {
	mapped := func() int { // kB of pages that belong to files
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "RssFile:")
		kB, err := strconv.Atoi(strings.Fields(after)[0])
		if err != nil {
			t.Fatal(err)
		}
		return kB
	}
	before := mapped()
	if err := dropProgramPages(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(); after >= before {
		t.Errorf("%d kB of files were mapped, and are %d kB now", before, after)
	}
}
