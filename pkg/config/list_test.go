// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"strings"
	"testing"
	"time"

	"ip-masq-agent/pkg/config"
)

func TestParseLists(t *testing.T) {
	for _, test := range []struct {
		name, text string
		non, masq  string
		source     string
		warnings   []string
		o          config.Options
	}{
		{name: "the file's order, not the addresses'", text: "nonMasqueradeCIDRs: [192.168.0.0/16, 10.0.0.0/8, 10.0.0.0/16]",
			non: "192.168.0.0/16 10.0.0.0/8 10.0.0.0/16"},
		{name: "empty list", text: "nonMasqueradeCIDRs: []", o: config.Options{ReservedRanges: true}},
		{name: "null list", text: "nonMasqueradeCIDRs:\nmasqueradeCIDRs: null\n", o: config.Options{ReservedRanges: true}},
		{name: "a list replaces the reserved ranges too", text: "nonMasqueradeCIDRs: [1.0.0.0/8]", non: "1.0.0.0/8", o: config.Options{ReservedRanges: true}},
		{name: "exceptions only", text: "masqueradeCIDRs: [10.9.0.0/16]", non: private, masq: "10.9.0.0/16"},
		{name: "everything", text: "nonMasqueradeCIDRs: [0.0.0.0/0, \"::/0\"]\nmasqueradeCIDRs: [1.2.3.4/32, \"fd00::1/128\"]",
			non: "0.0.0.0/0 ::/0", masq: "1.2.3.4/32 fd00::1/128", o: config.Options{IPv6: true}},
		{name: "repeated", text: "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 10.1.2.3/8\n- 10.0.0.0/8\n", non: "10.0.0.0/8", warnings: []string{
			`f:3: nonMasqueradeCIDRs: "10.1.2.3/8" repeats "10.0.0.0/8" on line 2: remove one of the two`,
			`f:4: nonMasqueradeCIDRs: "10.0.0.0/8" repeats "10.0.0.0/8" on line 2: remove one of the two`}},
		{name: "host bits", text: "nonMasqueradeCIDRs: []\nmasqueradeCIDRs:\n- fd00::1/64\n", masq: "fd00::/64", o: config.Options{IPv6: true}, warnings: []string{
			`f:3: masqueradeCIDRs: "fd00::1/64" has host bits set, so its network is used: write fd00::/64`}},
		{name: "a list by alias", text: "nonMasqueradeCIDRs:\n- &host 10.1.2.3/32\n- *host\n", non: "10.1.2.3/32", warnings: []string{
			`f:3: nonMasqueradeCIDRs: "10.1.2.3/32" repeats "10.1.2.3/32" on line 2: remove one of the two`}},
		{name: "as many as the limit", text: "cidrLimit: 2\nnonMasqueradeCIDRs: [10.0.0.0/8]\nmasqueradeCIDRs: [10.0.0.0/9]", non: "10.0.0.0/8", masq: "10.0.0.0/9"},
		{name: "sources", text: "nonMasqueradeCIDRs: []\nsourceCIDRs:\n- 10.244.1.7/16\n- fd00::/64\n- 10.244.0.0/16\n", source: "10.244.0.0/16 fd00::/64", o: config.Options{IPv6: true}, warnings: []string{
			`f:3: sourceCIDRs: "10.244.1.7/16" has host bits set, so its network is used: write 10.244.0.0/16`,
			`f:5: sourceCIDRs: "10.244.0.0/16" repeats "10.244.1.7/16" on line 3: remove one of the two`}},
		{name: "a source that is a destination too", text: "NonMasqueradeCIDRs: [10.0.0.0/8]\nSourceCIDRs: [10.0.0.0/8]", non: "10.0.0.0/8", source: "10.0.0.0/8"},
		{name: "no source", text: "nonMasqueradeCIDRs: []\nsourceCIDRs: []", warnings: []string{
			`f:2: sourceCIDRs: is empty, so traffic from any source is masqueraded: write the ranges of the pods, or remove the key`}},
		{name: "a null list of sources", text: "nonMasqueradeCIDRs: []\nsourceCIDRs:\n", warnings: []string{
			`f:2: sourceCIDRs: is empty, so traffic from any source is masqueraded: write the ranges of the pods, or remove the key`}},
		{name: "no limit below none", text: "cidrLimit: 0\nnonMasqueradeCIDRs: []"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkAccepted(t, test.text, test.o, config.Config{
				NonMasquerade: prefixes(test.non), Masquerade: prefixes(test.masq), Source: prefixes(test.source), ResyncInterval: time.Minute,
			}, test.warnings)
		})
	}
}

func TestParseRejectsItems(t *testing.T) {
	const example = "write a CIDR, such as 10.0.0.0/8"
	for _, test := range []struct{ name, item, want string }{
		{"bare IPv4", `10.1.2.3`, `"10.1.2.3" is a bare IP address: write 10.1.2.3/32`},
		{"bare IPv6", `fd00::1`, `"fd00::1" is a bare IP address: write fd00::1/128`},
		{"bare IPv4-mapped", `::ffff:10.1.2.3`, `"::ffff:10.1.2.3" is a bare IP address: write 10.1.2.3/32`},
		{"IPv4-mapped", `::ffff:10.1.2.3/104`, `"::ffff:10.1.2.3/104" is an IPv4-mapped IPv6 prefix: write 10.0.0.0/8`},
		{"all of IPv4, mapped", `::ffff:0:0/96`, `"::ffff:0:0/96" is an IPv4-mapped IPv6 prefix: write 0.0.0.0/0`},
		{"more than IPv4, mapped", `::ffff:0:0/64`, `"::ffff:0:0/64" is an IPv4-mapped IPv6 prefix: write the IPv4 range`},
		{"IPv6 without the flag", `fd00::/8`, `"fd00::/8" is an IPv6 CIDR: start the agent with --enable-ipv6 or remove the entry`},
		{"length over 32", `10.0.0.0/33`, `"10.0.0.0/33" has a prefix length over 32: write a length from 0 to 32 after the slash`},
		{"length over 128", `fd00::/129`, `"fd00::/129" has a prefix length over 128: write a length from 0 to 128 after the slash`},
		{"negative length", `10.0.0.0/-1`, `"10.0.0.0/-1" has no valid prefix length: write a length from 0 to 32 after the slash`},
		{"no length", `10.0.0.0/`, `"10.0.0.0/" has no valid prefix length: write a length from 0 to 32 after the slash`},
		{"leading zero", `10.0.0.0/08`, `"10.0.0.0/08" has no valid prefix length: write 10.0.0.0/8`},
		{"longest length, with a sign", `10.0.0.1/+32`, `"10.0.0.1/+32" has no valid prefix length: write 10.0.0.1/32`},
		{"shortest length, with a zero", `10.0.0.1/00`, `"10.0.0.1/00" has no valid prefix length: write 0.0.0.0/0`},
		{"netmask", `10.1.0.0/255.255.0.0`, `"10.1.0.0/255.255.0.0" has a netmask instead of the prefix length: write 10.1.0.0/16`},
		{"netmask and host bits", `10.1.2.3/255.255.0.0`, `"10.1.2.3/255.255.0.0" has a netmask instead of the prefix length: write 10.1.0.0/16`},
		{"netmask with gaps", `10.0.0.0/255.0.255.0`, `"10.0.0.0/255.0.255.0" has a netmask instead of the prefix length: write the length, such as /8`},
		{"zone", `fe80::1%eth0/64`, `"fe80::1%eth0/64" has an IPv6 zone: write it without the % and the zone`},
		{"host name", `example.org`, `"example.org" is not a CIDR: ` + example},
		{"octal", `010.0.0.0/8`, `"010.0.0.0/8" is not a CIDR: ` + example},
		{"short", `10/8`, `"10/8" is not a CIDR: ` + example},
		{"several", `10.0.0.0/8, 172.16.0.0/12`, `"10.0.0.0/8, 172.16.0.0/12" is more than one CIDR: write one item for each`},
		{"several, without a comma", `10.0.0.0/8 172.16.0.0/12`, `"10.0.0.0/8 172.16.0.0/12" is more than one CIDR: write one item for each`},
		{"several, without white space", `10.0.0.0/8,172.16.0.0/12`, `"10.0.0.0/8,172.16.0.0/12" is more than one CIDR: write one item for each`},
		{"several, with semicolons", `10.0.0.0/8;172.16.0.0/12`, `"10.0.0.0/8;172.16.0.0/12" is more than one CIDR: write one item for each`},
		{"white space", `" 10.0.0.0/8\n"`, `" 10.0.0.0/8\n" has stray white space or punctuation: write 10.0.0.0/8`},
		{"white space within", `10.0.0.0 / 8`, `"10.0.0.0 / 8" has stray white space or punctuation: write 10.0.0.0/8`},
		{"quotes of a word processor", `“10.0.0.0/8”`, `"“10.0.0.0/8”" has stray white space or punctuation: write 10.0.0.0/8`},
		{"an invisible space", `"10.0.0.0/8\u200b"`, `"10.0.0.0/8\u200b" has stray white space or punctuation: write 10.0.0.0/8`},
		{"quotes in quotes", `'"10.0.0.0/8"'`, `"\"10.0.0.0/8\"" has stray white space or punctuation: write 10.0.0.0/8`},
		{"null", `null`, `"null" is an empty item: remove it or ` + example},
		{"nothing", ``, `is an empty item: remove it or ` + example},
		{"empty", `""`, `is an empty item: remove it or ` + example},
		{"blank", `" "`, `" " is an empty item: remove it or ` + example},
		{"number", `10.0`, `"10.0" is a number, not a CIDR: ` + example},
		{"boolean", `off`, `"off" is a boolean, not a CIDR: ` + example},
		{"mapping", `cidr: 10.0.0.0/8`, `"{\"cidr\":\"10.0.0.0/8\"}" is a mapping, not a CIDR: ` + example},
		{"list", `[10.0.0.0/8]`, `"[\"10.0.0.0/8\"]" is a list, not a CIDR: ` + example},
		{"hostile length", strings.Repeat("é", 500), `"` + strings.Repeat("é", 40) + `…" is not a CIDR: ` + example},
		{"the longest text that is repeated", strings.Repeat("a", 80), `"` + strings.Repeat("a", 80) + `" is not a CIDR: ` + example},
		{"hostile letters", `"\e[31m"`, `"\x1b[31m" is not a CIDR: ` + example},
	} {
		checkInvalid(t, []invalidText{{test.name, "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- " + test.item + "\n", []string{"f:3: nonMasqueradeCIDRs: " + test.want}}})
	}
}

func TestParseRejectsLists(t *testing.T) {
	const remedy = `write one "- CIDR" per line below the key`
	checkInvalid(t, []invalidText{
		{"string", "nonMasqueradeCIDRs: 10.0.0.0/8", []string{`f:1: nonMasqueradeCIDRs: "10.0.0.0/8" is a string, not a list: ` + remedy}},
		{"a text", "nonMasqueradeCIDRs: |\n  - 10.0.0.0/8\n", []string{
			`f:1: nonMasqueradeCIDRs: "- 10.0.0.0/8\n" is a string, not a list: write the list without | and without quotes`}},
		{"no space after the dash", "masqueradeCIDRs:\n  -10.0.0.0/8\n  -11.0.0.0/8\n", []string{
			`f:1: masqueradeCIDRs: "-10.0.0.0/8 -11.0.0.0/8" is a string, not a list: write a space after each dash`}},
		{"mapping", "nonMasqueradeCIDRs: {a: 10.0.0.0/8}", []string{`f:1: nonMasqueradeCIDRs: "{\"a\":\"10.0.0.0/8\"}" is a mapping, not a list: ` + remedy}},
		{"number", "masqueradeCIDRs: 10", []string{`f:1: masqueradeCIDRs: "10" is a number, not a list: ` + remedy}},

		{"one network in both", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\nmasqueradeCIDRs:\n- 10.1.2.3/8\n", []string{
			`f:4: masqueradeCIDRs: "10.1.2.3/8" is the same network as "10.0.0.0/8" on line 2 in nonMasqueradeCIDRs: keep it in one of the two lists`}},
		{"one of two in both", "nonMasqueradeCIDRs: [10.0.0.0/8]\nmasqueradeCIDRs:\n- 10.1.0.0/16\n- 10.0.0.0/8\n", []string{
			`f:4: masqueradeCIDRs: "10.0.0.0/8" is the same network as "10.0.0.0/8" on line 1 in nonMasqueradeCIDRs: keep it in one of the two lists`}},
		{"by a merge", "<<: {nonMasqueradeCIDRs: [a, 1]}", []string{
			`f:1: nonMasqueradeCIDRs: "a" is not a CIDR: write a CIDR, such as 10.0.0.0/8`,
			`f:1: nonMasqueradeCIDRs: "1" is a number, not a CIDR: write a CIDR, such as 10.0.0.0/8`}},
		{"one list twice by alias", "nonMasqueradeCIDRs: &all\n- 10.0.0.0/8\nmasqueradeCIDRs: *all\n", []string{
			`f:2: masqueradeCIDRs: "10.0.0.0/8" is the same network as "10.0.0.0/8" on line 2 in nonMasqueradeCIDRs: keep it in one of the two lists`}},
		{"a default in both", "masqueradeCIDRs: [10.0.0.0/8]", []string{
			`f:1: masqueradeCIDRs: "10.0.0.0/8" is the same network as "10.0.0.0/8" in the default of nonMasqueradeCIDRs: remove it, or write nonMasqueradeCIDRs without it`}},

		{"over the limit", "cidrLimit: 1\nnonMasqueradeCIDRs: [10.0.0.0/8]\nmasqueradeCIDRs: [10.0.0.0/9]\n", []string{
			`f:1: cidrLimit: "1" is less than the 2 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 2`}},
		{"sources count", "nonMasqueradeCIDRs: [10.0.0.0/8]\nsourceCIDRs: [10.0.0.0/9, 10.0.0.0/9]\ncidrLimit: 2\n", []string{
			`f:3: cidrLimit: "2" is less than the 3 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 3`}},
		{"sources alone are over the default limit", "sourceCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 62) + "]", []string{
			`f:1: cidrLimit: "64" (the default) is less than the 65 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 65`}},
		{"an IPv6 source without the flag", "sourceCIDRs: [\"fd00::/64\"]", []string{
			`f:1: sourceCIDRs: "fd00::/64" is an IPv6 CIDR: start the agent with --enable-ipv6 or remove the entry`}},
		{"a source that is no list", "sourceCIDRs: 10.0.0.0/8", []string{`f:1: sourceCIDRs: "10.0.0.0/8" is a string, not a list: ` + remedy}},
		{"repeated entries count", "nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]\ncidrLimit: 1\n", []string{
			`f:2: cidrLimit: "1" is less than the 2 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 2`}},
		{"default entries count", "cidrLimit: 2", []string{
			`f:1: cidrLimit: "2" is less than the 3 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 3`}},
		{"over the default limit", "\nnonMasqueradeCIDRs: [" + strings.Repeat("10.0.0.0/8, ", 65) + "]", []string{
			`f:2: cidrLimit: "64" (the default) is less than the 65 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 65`}},
	})
}
