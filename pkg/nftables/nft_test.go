// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"os/exec"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// nft feeds a file to nft(8).
func nft(t testing.TB, rules string) {
	t.Helper()
	netns.Require(t, "nft")
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft -f: %v\n%s", err, out)
	}
}

// open connects to this namespace.
func open(t testing.TB) *Conn {
	t.Helper()
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// nftOutput runs nft(8), which must succeed, and returns its standard output.
func nftOutput(t testing.TB, args ...string) string {
	t.Helper()
	out, err := netns.Output("nft", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
