// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// NFT runs "nft -f -" with a script, which is one transaction. The test fails
// if nft does.
func NFT(t testing.TB, script string) {
	t.Helper()
	execute(t, script, "nft", "-f", "-")
}

// NFTOrSkip is [NFT] for rules that versions of nft before 1.0 may not be able
// to load. It skips the test if such a version fails.
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

// ListNFT returns the output of "nft list" with these arguments, or "" if nft
// fails, as it does for a table that does not exist.
func ListNFT(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("nft", args...).Output()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out)
}
