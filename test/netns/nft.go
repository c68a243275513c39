// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// NFT feeds a script to "nft -f -", which commits it as one transaction. It
// must succeed.
func NFT(t testing.TB, script string) {
	t.Helper()
	execute(t, script, "nft", "-f", "-")
}

// NFTOrSkip is [NFT] for rules that nft before 1.0 may be unable to load: if it
// is and does not, the test is skipped.
func NFTOrSkip(t testing.TB, script string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	version, _ := exec.Command("nft", "--version").Output()
	if strings.HasPrefix(string(version), "nftables v0.") {
		t.Skipf("%s cannot load these rules: %v\n%s", bytes.TrimSpace(version), err, out)
	}
	t.Fatalf("nft -f -: %v\n%s\n%s", err, out, script)
}

// ListNFT returns what "nft list" prints with these arguments, or "" if that
// fails, as it does for a table that does not exist.
func ListNFT(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).Output()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out)
}
