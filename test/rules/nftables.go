// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

// Table is the name of the table that the backend nftables writes.
const Table = "ip-masq-agent"

// nftables is the agent's table of one family, "ip" or "ip6".
type nftables struct {
	family string
}

// nftFamily returns the name of an IP family in nft(8).
func nftFamily(family string) string {
	if family == "IPv6" {
		return "ip6"
	}
	return "ip"
}

func (r nftables) name() string { return r.family + " " + Table }

func (r nftables) list(t testing.TB, options ...string) string {
	t.Helper()
	return netns.ListNFT(t, append(options, "list", "table", r.family, Table)...)
}

func (r nftables) Differ(t testing.TB, chain []string) string {
	t.Helper()
	text := r.list(t, "-s")
	switch {
	case text == "":
		return "there is no table " + r.name()
	case strings.Contains(text, "flags "): // the JSON of nft 1.0.6 lacks them
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "flags ") && line != "flags interval" {
				return "the table has " + line
			}
		}
	}
	listing := r.list(t, "-j")
	if listing == "" {
		return "the table was just deleted"
	}
	table, err := parseTable([]byte(listing))
	if err != nil {
		return err.Error() + "\n" + text
	}
	want, err := parseChain(chain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := table.differ(want, r.family); diff != "" {
		return diff + "\n" + text
	}
	return ""
}

func (r nftables) Exist(t testing.TB) bool { return r.list(t) != "" }

func (r nftables) List(t testing.TB) string { return r.list(t, "-s") }

func (r nftables) ListWithCounters(t testing.TB) string { return r.list(t, "-a") }

func (r nftables) Commit(t testing.TB, lines ...string) {
	t.Helper()
	netns.NFT(t, strings.Join(lines, "\n")+"\n")
}

func (r nftables) Flush() []string { return []string{"flush table " + r.name()} }

func (r nftables) Unhook() []string {
	return []string{"flush chain " + r.name() + " postrouting", "delete chain " + r.name() + " postrouting"}
}

func (r nftables) Remove() []string { return []string{"delete table " + r.name()} }

func (r nftables) InsertAccept() []string {
	return []string{"insert rule " + r.name() + " postrouting accept"}
}

func (r nftables) Outdated() []string {
	return append(r.Emptied(), "add rule "+r.name()+" postrouting meta l4proto tcp accept")
}

func (r nftables) Emptied() []string {
	return []string{"add table " + r.name(), "add chain " + r.name() + " postrouting { type nat hook postrouting priority 105; }"}
}
