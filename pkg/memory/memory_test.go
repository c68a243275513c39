// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package memory

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestReleaseProgramPages releases the pages of the test's own code. The kernel maps
// them again when the code runs.
func TestReleaseProgramPages(t *testing.T) {
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
	if err := ReleaseProgramPages(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(); after >= before {
		t.Errorf("%d kB of files were mapped before, %d kB after", before, after)
	}
}
