// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"os/exec"
	"testing"
)

// NFT feeds a script to "nft -f -", which commits it as one transaction. It
// must succeed.
func NFT(t testing.TB, script string) {
	t.Helper()
	execute(t, script, "nft", "-f", "-")
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
