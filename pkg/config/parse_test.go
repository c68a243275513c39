// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
)

// invalidText is an invalid text with its problems.
type invalidText struct {
	name, text string
	want       []string // the problems, one a line
}

func checkInvalid(t *testing.T, tests []invalidText) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _, _, err := config.Files{{Name: "f", Data: []byte(test.text)}}.Parse(config.Options{})
			if _, ok := errors.AsType[*config.InvalidError](err); !ok {
				t.Fatalf("Parse(%q) = %+v, %v; want an InvalidError", test.text, c, err)
			}
			if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("Parse(%q) problems (-want +got):\n%s", test.text, diff)
			}
			if diff := cmp.Diff(config.Config{}, c, comparable); diff != "" {
				t.Errorf("Parse(%q) config (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

// checkAccepted compares the configuration and the warnings of one text.
func checkAccepted(t *testing.T, text string, o config.Options, want config.Config, warnings []string) {
	t.Helper()
	got, _, problems, err := config.Files{{Name: "f", Data: []byte(text)}}.Parse(o)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	if diff := cmp.Diff(want, got, comparable); diff != "" {
		t.Errorf("Parse(%q) config (-want +got):\n%s", text, diff)
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	if diff := cmp.Diff(warnings, lines); diff != "" {
		t.Errorf("Parse(%q) warnings (-want +got):\n%s", text, diff)
	}
}

// The example of the GKE documentation has a CIDR with host bits.
func TestParsePage(t *testing.T) {
	const page = `nonMasqueradeCIDRs:
  - 198.15.5.92/24
  - 10.0.0.0/8
masqLinkLocal: false
resyncInterval: 60s
`
	checkAccepted(t, page, config.Options{}, config.Config{
		NonMasquerade:  prefixes("198.15.5.0/24 10.0.0.0/8"),
		ResyncInterval: time.Minute,
	}, []string{
		`f:2: nonMasqueradeCIDRs: "198.15.5.92/24" has host bits set, so its network is used: write 198.15.5.0/24`,
	})
}

func TestParseEveryKey(t *testing.T) {
	want := config.Config{
		NonMasquerade:     prefixes("10.0.0.0/8 fd00::/8"),
		Masquerade:        prefixes("10.9.0.0/16"),
		MasqLinkLocal:     true,
		MasqLinkLocalIPv6: true,
		ResyncInterval:    500 * time.Millisecond,
	}
	for _, test := range []struct{ name, text string }{
		{"yaml", `
nonMasqueradeCIDRs: ["10.0.0.0/8", "fd00::/8"]
masqueradeCIDRs:
- 10.9.0.0/16
cidrLimit: 3
masqLinkLocal: true
masqLinkLocalIPv6: yes # true to Kubernetes, which reads YAML 1.1
resyncInterval: 500ms
`},
		{"json", `{
	"nonMasqueradeCIDRs": ["10.0.0.0/8", "fd00::/8"],
	"masqueradeCIDRs": ["10.9.0.0/16"],
	"cidrLimit": 3,
	"masqLinkLocal": true,
	"masqLinkLocalIPv6": true,
	"resyncInterval": "500ms"
}`},
		{"keys in other cases", `
NonMasqueradeCIDRs: ["10.0.0.0/8", "fd00::/8"]
MASQUERADECIDRS: [10.9.0.0/16]
CidrLimit: 3
MasqLinkLocal: on
masqLinkLocalIpv6: True
ResyncInterval: 0.5
`},
		{"aliases", `
masqLinkLocal: &yes true
masqLinkLocalIPv6: *yes
nonMasqueradeCIDRs: ["10.0.0.0/8", "fd00::/8"]
masqueradeCIDRs: [10.9.0.0/16]
resyncInterval: 500ms
`},
		{"a merge", `
<<: {masqLinkLocal: true, masqLinkLocalIPv6: true, resyncInterval: 500ms}
nonMasqueradeCIDRs: ["10.0.0.0/8", "fd00::/8"]
masqueradeCIDRs: [10.9.0.0/16]
`},
		{"windows line ends", "\ufeffnonMasqueradeCIDRs: [\"10.0.0.0/8\", \"fd00::/8\"]\r\nmasqueradeCIDRs:\r\n- 10.9.0.0/16\r\n" +
			"masqLinkLocal: true\r\nmasqLinkLocalIPv6: true\r\nresyncInterval: 500ms\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checkAccepted(t, test.text, config.Options{IPv6: true}, want, nil)
		})
	}
}

func TestParseNothing(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"empty", ""},
		{"blank", " \n\n"},
		{"comments", "# nonMasqueradeCIDRs: []\n# masqLinkLocal: true\n"},
		{"null", "null\n"},
		{"tilde", "~"},
		{"document start", "---\n"},
		{"document start and end", "---\n...\n"},
		{"empty documents", "---\n---\n---\n"},
		{"byte order mark", "\ufeff"},
		{"empty mapping", "{}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, o := range []config.Options{{}, {ReservedRanges: true}} {
				checkAccepted(t, test.text, o, config.Default(o), nil)
			}
		})
	}
}

// All problems of all keys are reported at once.
func TestParseReportsEverything(t *testing.T) {
	checkInvalid(t, []invalidText{{"every key", `
nonMasqueradeCIDRs:
- 10.0.0.1
- 10.0.0.0/8
masqueradeCIDRs: [10.0.0.0/8, null]
cidrLimit: 3
masqLinkLocal: "true"
masqLinkLocalIPv6: []
resyscInterval: 60s
resyncInterval: 60ms
ResyncInterval: 1d
sourceCIDRs: [10.0.0.0]
`, []string{
		`f:3: nonMasqueradeCIDRs: "10.0.0.1" is a bare IP address: write 10.0.0.1/32`,
		`f:5: masqueradeCIDRs: "null" is an empty item: remove it or write a CIDR, such as 10.0.0.0/8`,
		`f:5: masqueradeCIDRs: "10.0.0.0/8" is the same network as "10.0.0.0/8" on line 4 in nonMasqueradeCIDRs: keep it in one of the two lists`,
		`f:6: cidrLimit: "3" is less than the 5 entries of nonMasqueradeCIDRs, masqueradeCIDRs and sourceCIDRs: merge ranges, or raise cidrLimit to 5`,
		`f:7: masqLinkLocal: "true" is a string, not a boolean: write true without quotes`,
		`f:8: masqLinkLocalIPv6: "[]" is a list, not a boolean: write true or false`,
		`f:9: resyscInterval: is an unknown key: did you mean resyncInterval?`,
		`f:10: resyncInterval: "60ms" is less than 100ms: write 100ms or more, such as 60s`,
		`f:11: ResyncInterval: is set twice, here and as "resyncInterval" on line 10: keep one of the two`,
		`f:11: ResyncInterval: "1d" is not a duration: write a number and its unit (ms, s, m or h), such as 60s`,
		`f:12: sourceCIDRs: "10.0.0.0" is a bare IP address: write 10.0.0.0/32`,
	}}})
}
