// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netns

import (
	"bytes"
	"os/exec"
	"slices"
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
	if version, old := beforeOne(); old {
		t.Skipf("%s cannot load these rules: %v\n%s", version, err, out)
	}
	t.Fatalf("nft -f -: %v\n%s\n%s", err, out, script)
}

// RequireTranslation skips a test that reads the rules of iptables with nft, if nft is
// older than 1.0: nft 0.9.8 omits the option --random-fully of MASQUERADE.
func RequireTranslation(t testing.TB) {
	t.Helper()
	if version, old := beforeOne(); old {
		t.Skipf("%s omits --random-fully from the rules of iptables", version)
	}
}

// beforeOne returns the version of nft, and whether it is before 1.0.
func beforeOne() (version string, old bool) {
	text, _ := exec.Command("nft", "--version").Output()
	return string(bytes.TrimSpace(text)), bytes.HasPrefix(text, []byte("nftables v0."))
}

// NFTRuleset returns what "nft list ruleset" prints for IPv4 and IPv6, so that nft can
// load it. It lists one family at a time, because nft translates the extensions of
// iptables only for the first family: of the other, nft 1.0.6 omits the target
// MASQUERADE, and nft 1.1.3 prints what it cannot load. nft 0.9.8 misspells an option.
func NFTRuleset(t testing.TB, flags ...string) string {
	t.Helper()
	text := ""
	for _, family := range []string{"ip", "ip6"} {
		text += execute(t, "", "nft", append(slices.Clone(flags), "list", "ruleset", family)...)
	}
	return strings.ReplaceAll(text, "masquerade  random-fully", "masquerade fully-random")
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
