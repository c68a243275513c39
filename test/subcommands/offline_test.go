// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"os"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

// TestCheckReadsPipes passes a pipe to check, as "check <(kubectl get …)" does.
func TestCheckReadsPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("resyscInterval: 60s\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer r.Close()
	cmd := program.Command(nil, "check", "/dev/fd/3")
	cmd.ExtraFiles = []*os.File{r}
	out, err := cmd.Output()
	if want := "/dev/fd/3:1: resyscInterval: is an unknown key: did you mean resyncInterval?\n"; err == nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("check of a pipe: %v, %s, want %s", err, out, want)
	}
}
