// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a node prints, "^" for the marker.
const good = `noise of the boot
#vm node 6.12.1-cloud-amd64
#vm package pkg/iptables
^=== RUN   TestA
^=== RUN   TestA/nft
^=== RUN   TestA/legacy
^--- PASS: TestA/nft (0.10s)
^=== NAME  TestA
    a_test.go:9: not here
^--- SKIP: TestA/legacy (0.00s)
^--- PASS: TestA (0.10s)
PASS
#vm status 0
#vm end
`

const bad = `#vm node 6.12.1-cloud-amd64
#vm package pkg/iptables
^=== RUN   TestA
^=== RUN   TestB
^=== NAME  TestA
    a_test.go:9: the chain differs
^--- FAIL: TestA (0.10s)
^=== NAME  TestB
    b_test.go:9: said by a test that passes
^--- PASS: TestB (0.10s)
FAIL
#vm status 1
#vm package test/agent
^=== RUN   TestC
#vm status 2
#vm end
`

func TestRead(t *testing.T) {
	tests := map[string]struct {
		in     string
		out    string
		row    string
		failed bool
		err    string
	}{
		"passes": {
			in:  good,
			out: "ok  \tn: pkg/iptables\tNs\n",
			row: "| trixie | full | amd64 | 6.12.1 | 1.8.11 | 1.1.3 | all | 1 | 0 | 1 | 7 | 2026-11-26 |\n",
		},
		"fails": {
			in:     bad,
			out:    "    a_test.go:9: the chain differs\n--- FAIL: TestA (0.10s)\nFAIL\nFAIL\tn: pkg/iptables\tNs\nFAIL\tn: test/agent\tNs\n",
			row:    "| trixie | full | amd64 | 6.12.1 | 1.8.11 | 1.1.3 | all | 1 | 2 | 0 | 7 | 2026-11-26 |\n",
			failed: true,
		},
		"does not end": {
			in:     bad[:strings.Index(bad, "^--- FAIL")],
			out:    "    a_test.go:9: the chain differs\nFAIL\tn: pkg/iptables\tNs\n",
			row:    "| trixie | full | amd64 | 6.12.1 | 1.8.11 | 1.1.3 | all | 0 | 2 | 0 | 7 | 2026-11-26 |\n",
			failed: true,
			err:    "it ended before its tests did",
		},
		"runs no test": {
			in:     "#vm node 6.12.1-cloud-amd64\n#vm package pkg/iptables\nPASS\n#vm status 0\n#vm end\n",
			out:    "ok  \tn: pkg/iptables\tNs\n",
			row:    "| trixie | full | amd64 | 6.12.1 | 1.8.11 | 1.1.3 | all | 0 | 0 | 0 | 7 | 2026-11-26 |\n",
			failed: true,
		},
		"does not boot": {
			in:     "noise of the boot\n",
			row:    "| trixie | full | amd64 | – | 1.8.11 | 1.1.3 | all | 0 | 0 | 0 | 7 | 2026-11-26 |\n",
			failed: true,
			err:    "it ended before its tests did",
		},
	}
	versions := filepath.Join(t.TempDir(), "versions")
	if err := os.WriteFile(versions, []byte("iptables 1.8.11-2\nnftables 1.1.3-1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			r, err := read(strings.NewReader(strings.ReplaceAll(tt.in, "^", marker)), &out, "n")
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.err {
				t.Errorf("error is %q, want %q", got, tt.err)
			}
			if r.failed() != tt.failed {
				t.Errorf("failed is %t, want %t", r.failed(), tt.failed)
			}
			seconds := regexp.MustCompile(`\t[0-9.]+s\n`)
			if diff := cmp.Diff(tt.out, seconds.ReplaceAllString(out.String(), "\tNs\n")); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			row, err := r.row([nodeColumns]string{"trixie", "full", "amd64"}, "all", versions, time.Date(2026, 11, 26, 1, 2, 3, 0, time.UTC), 7*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.row, row.String()); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}
