// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"strings"
	"testing"
)

func TestParseRejectsKeys(t *testing.T) {
	const keys = "remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval"
	checkInvalid(t, []invalidText{
		{"swapped letters", "resyscInterval: 60s", []string{`f:1: resyscInterval: is an unknown key: did you mean resyncInterval?`}},
		{"missing letter", "nonMasqueradeCIDR: []", []string{`f:1: nonMasqueradeCIDR: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"other style", "non_masquerade_cidrs: []", []string{`f:1: non_masquerade_cidrs: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"shorter", "linkLocal: true", []string{`f:1: linkLocal: is an unknown key: ` + keys}},
		{"a third of the letters", "resyncIntervalTime: 5s", []string{`f:1: resyncIntervalTime: is an unknown key: did you mean resyncInterval?`}},
		{"more than a third", "resyncIntervalTimes: 5s", []string{`f:1: resyncIntervalTimes: is an unknown key: ` + keys}},
		{"two letters of a key with an opposite", "nonMasqueradeCIDRsxx: []", []string{`f:1: nonMasqueradeCIDRsxx: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"three", "nonMasqueradeCIDRsxxx: []", []string{`f:1: nonMasqueradeCIDRsxxx: is an unknown key: ` + keys}},
		{"the opposite is as near", "unMasqueradeCIDRs: []", []string{`f:1: unMasqueradeCIDRs: is an unknown key: ` + keys}},
		{"another agent's, the equivalent", "forceMasqueradeCIDRs: []", []string{`f:1: forceMasqueradeCIDRs: is a key of another agent: write masqueradeCIDRs`}},
		{"another agent's, none", "NonMasqueradeSrcCIDRs: []", []string{`f:1: NonMasqueradeSrcCIDRs: is a key of another agent: remove it; the keys of this agent are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval`}},
		{"another agent's, by a value", "masqueradeAll: true", []string{`f:1: masqueradeAll: is a key of another agent: write nonMasqueradeCIDRs: [] for true; remove it for false`}},
		{"another agent's, of one family", "masqLinkLocalIPv4: true", []string{`f:1: masqLinkLocalIPv4: is a key of another agent: write masqLinkLocal`}},
		{"another agent's, of sources", "masqueradeSrcCIDRs: []", []string{`f:1: masqueradeSrcCIDRs: is a key of another agent: write sourceCIDRs`}},
		{"sources, a missing letter", "SourceCIDR: []", []string{`f:1: SourceCIDR: is an unknown key: did you mean sourceCIDRs?`}},
		{"sources, a swap", "suorceCIDRs: []", []string{`f:1: suorceCIDRs: is an unknown key: did you mean sourceCIDRs?`}},
		{"sources, two letters more", "sourcesCIDRss: []", []string{`f:1: sourcesCIDRss: is an unknown key: did you mean sourceCIDRs?`}},
		{"sources, three", "sourceNotCIDRs: []", []string{`f:1: sourceNotCIDRs: is an unknown key: ` + keys}},
		{"the opposite of sources", "noSourceCIDRs: []", []string{`f:1: noSourceCIDRs: is an unknown key: ` + keys}},
		{"the opposite of sources, in three letters", "nonSourceCIDRs: []", []string{`f:1: nonSourceCIDRs: is an unknown key: ` + keys}},
		{"the opposite of link-local", "noMasqLinkLocal: true", []string{`f:1: noMasqLinkLocal: is an unknown key: ` + keys}},
		{"the opposite of link-local, IPv6", "nomasqLinkLocalIPv6: true", []string{`f:1: nomasqLinkLocalIPv6: is an unknown key: ` + keys}},
		{"the opposite of link-local, in the middle", "masqNoLinkLocal: true", []string{`f:1: masqNoLinkLocal: is an unknown key: ` + keys}},
		{"the opposite of masqueradeCIDRs, in the middle", "masqueradeNoCIDRs: []", []string{`f:1: masqueradeNoCIDRs: is an unknown key: ` + keys}},
		{"the opposite of sources, in the middle", "sourceNoCIDRs: []", []string{`f:1: sourceNoCIDRs: is an unknown key: ` + keys}},
		{"link-local, another letter", "MaskLinkLocal: true", []string{`f:1: MaskLinkLocal: is an unknown key: did you mean masqLinkLocal?`}},
		{"link-local, of IPv6", "masqLinkLocal6: true", []string{`f:1: masqLinkLocal6: is an unknown key: did you mean masqLinkLocalIPv6?`}},
		{"forced, not from", "forceCIDRs: []", []string{`f:1: forceCIDRs: is an unknown key: ` + keys}},
		{"null value", "resyncIntervall:", []string{`f:1: resyncIntervall: is an unknown key: did you mean resyncInterval?`}},
		{"one letter before its opposite", "nMasqueradeCIDRs: []", []string{`f:1: nMasqueradeCIDRs: is an unknown key: remove it; the keys are nonMasqueradeCIDRs, masqueradeCIDRs, sourceCIDRs, cidrLimit, masqLinkLocal, masqLinkLocalIPv6, resyncInterval`}},
		{"near its opposite too", "onMasqueradeCIDRs: []", []string{`f:1: onMasqueradeCIDRs: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"two swaps", "nonMsaqueradeCDIRs: []", []string{`f:1: nonMsaqueradeCDIRs: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"two missing letters", "nonMasqueradeCID: []", []string{`f:1: nonMasqueradeCID: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"a swap at the start and a missing letter", "onnMasqueradeCIDR: []", []string{`f:1: onnMasqueradeCIDR: is an unknown key: did you mean nonMasqueradeCIDRs?`}},
		{"a swap and two letters", "nonMsaqueradeCIDRsxx: []", []string{`f:1: nonMsaqueradeCIDRsxx: is an unknown key: ` + keys}},
		{"half a swap and a letter", "nonMasqueradeCxiRsx: []", []string{`f:1: nonMasqueradeCxiRsx: is an unknown key: ` + keys}},
		{"the other half and a letter", "nonMasqueradeCdxRsx: []", []string{`f:1: nonMasqueradeCdxRsx: is an unknown key: ` + keys}},
		{"empty", `"": 1`, []string{`f:1: is an unknown key: ` + keys}},
		{"a colon", "a:b: 1", []string{`f:1: "a:b": is an unknown key: ` + keys}},
		{"a quote", `a"b: 1`, []string{`f:1: "a\"b": is an unknown key: ` + keys}},
		{"a space", "a b: 1", []string{`f:1: "a b": is an unknown key: ` + keys}},
		{"a tilde", "a~b: 1", []string{`f:1: a~b: is an unknown key: ` + keys}},
		{"two", "a: 1\nb: 2\n", []string{`f:1: a: is an unknown key: ` + keys, `f:2: b: is an unknown key: ` + keys}},
		{"nothing like it", "logLevel: 4", []string{`f:1: logLevel: is an unknown key: ` + keys}},
		{"not a string", "1: 2", []string{`f:1: 1: is an unknown key: ` + keys}},
		{"two lines", `"a\nb": 1`, []string{`f:1: "a\nb": is an unknown key: ` + keys}},
		{"hostile length", strings.Repeat("k", 1000) + ": 1", []string{`f:1: "` + strings.Repeat("k", 80) + `…": is an unknown key: ` + keys}},
		{"by a merge", "<<: {logLevel: 4}", []string{`f:1: logLevel: is an unknown key: ` + keys}},
		{"by a merge, further below", "masqLinkLocal: true\n<<: {nonMasqueradeCIDRs: [10.0.0.1]}\n", []string{
			`f:2: nonMasqueradeCIDRs: "10.0.0.1" is a bare IP address: write 10.0.0.1/32`}},

		{"twice", "masqLinkLocal: true\nresyncInterval: 60s\nmasqLinkLocal: false\n", []string{
			`f:3: masqLinkLocal: is set twice, here and as "masqLinkLocal" on line 1: keep one of the two`}},
		{"twice in different cases", "nonMasqueradeCIDRs: []\nNonMasqueradeCIDRs: [10.0.0.0/8]\n", []string{
			`f:2: NonMasqueradeCIDRs: is set twice, here and as "nonMasqueradeCIDRs" on line 1: keep one of the two`}},
		{"thrice", "cidrLimit: 1\ncidrLimit: 2\nCIDRLimit: 64\n", []string{
			`f:2: cidrLimit: is set twice, here and as "cidrLimit" on line 1: keep one of the two`,
			`f:3: CIDRLimit: is set twice, here and as "cidrLimit" on line 1: keep one of the two`}},
		{"twice by a merge", "<<: {masqLinkLocal: true}\nmasqLinkLocal: false\n", []string{
			`f:2: masqLinkLocal: is set twice, once by a merge (<<): keep one of the two`}},
		{"twice by a merge in another case", "<<: {MasqLinkLocal: true}\nmasqLinkLocal: false\n", []string{
			`f:2: masqLinkLocal: is set twice, here and as "MasqLinkLocal" on line 1: keep one of the two`}},
	})
}
