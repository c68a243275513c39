// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"

	"ip-masq-agent/pkg/netfilter"
)

// recorded returns the messages of a kind in testdata/dump.txt.
func recorded(t testing.TB, kind string) [][]byte {
	t.Helper()
	file, err := os.ReadFile("testdata/dump.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), kind+" ")
		if !ok {
			continue
		}
		b, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		t.Fatalf("testdata/dump.txt has no %s", kind)
	}
	return out
}

// FuzzDecode decodes a rule and the set that it looks up, and walks a packet
// through the rule.
func FuzzDecode(f *testing.F) {
	rules, sets, elements := recorded(f, "rule"), recorded(f, "set"), recorded(f, "elements")
	for i, r := range rules {
		f.Add(r, sets[i%len(sets)], elements[i%len(elements)])
	}
	for i, e := range elements {
		f.Add(rules[i%len(rules)], sets[i%len(sets)], e)
	}
	f.Fuzz(func(t *testing.T, rule, set, elements []byte) {
		m, err := parseMessage(rule)
		if err != nil {
			return
		}
		r, err := decodeRule(m, fuzzedSet(set, elements), false)
		if err != nil {
			return
		}
		if strings.ContainsFunc(r.Text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("control characters in %q", r.Text)
		}
		chain := &netfilter.Chain{Name: "p", Base: true, Rules: []netfilter.Rule{r}}
		rs := netfilter.Ruleset{Tables: []*netfilter.Table{{Family: "inet", Chains: map[string]*netfilter.Chain{"p": chain}}}}
		for _, a := range []string{"192.0.2.1", "2001:db8::1"} {
			rs.Walk(netfilter.Packet{Destination: netip.MustParseAddr(a)}).Fate()
		}
	})
}

// fuzzedSet returns every set of a rule from two messages.
func fuzzedSet(header, elements []byte) func(string) (*set, error) {
	return func(name string) (*set, error) {
		m, err := parseMessage(header)
		if err != nil {
			return nil, err
		}
		b := newSetBuilder(name, m)
		if m, err = parseMessage(elements); err != nil {
			return nil, err
		}
		if err := b.add(m); err != nil {
			return nil, err
		}
		return b.build(), nil
	}
}

// TestDecodeRecorded decodes every recorded message without an error.
func TestDecodeRecorded(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the messages were recorded on a little-endian machine, and netlink uses the byte order of the machine")
	}
	for _, kind := range []string{"rule", "set", "elements", "chain"} {
		for _, b := range recorded(t, kind) {
			m, err := parseMessage(b)
			if err != nil {
				t.Fatal(err)
			}
			switch kind {
			case "rule":
				_, err = decodeRule(m, fuzzedSet(recorded(t, "set")[0], recorded(t, "elements")[0]), false)
			case "elements":
				err = newSetBuilder("s", message{}).add(m)
			case "chain":
				_, err = parseChainHeader(m)
			}
			if err != nil {
				t.Errorf("%s %x: %v", kind, b, err)
			}
		}
	}
}
