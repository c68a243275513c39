// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"ip-masq-agent/test/netns"
)

// BlockWrites makes every write of the backend nftables fail in one family,
// until release is called. Another process owns an empty table with the name of
// the agent's (NFT_TABLE_F_OWNER, Linux 5.12). The kernel deletes the table
// when its owner ends.
func BlockWrites(t testing.TB, family string) (release func()) {
	t.Helper()
	name := nftFamily(family) + " " + Table
	cmd := exec.Command("nft", "-i") // the table lives as long as its socket
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	release = func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(release)
	fmt.Fprintf(stdin, "add table %[1]s; delete table %[1]s; add table %[1]s { flags owner; }\n", name)
	for began := time.Now(); !WritesBlocked(t, family); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("nft -i did not create table %s", name)
		}
	}
	return release
}

// WritesBlocked reports whether the table is as [BlockWrites] creates it.
func WritesBlocked(t testing.TB, family string) bool {
	t.Helper()
	want := fmt.Sprintf("table %s %s { # progname nft\n\tflags owner\n}\n", nftFamily(family), Table)
	return netns.ListNFT(t, "list", "table", nftFamily(family), Table) == want
}
