// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ip-masq-agent/test/netns"
)

func TestCheckChainName(t *testing.T) {
	for _, good := range []string{"IP-MASQ", "IP-MASQ-AGENT", "a", "x_1.Y", strings.Repeat("A", 28)} {
		if err := CheckChainName(good); err != nil {
			t.Errorf("CheckChainName(%q): %v", good, err)
		}
	}
	for _, bad := range []string{"", strings.Repeat("A", 29), "-A", "!A", "A B", "A\nCOMMIT", "Ä", `A"`, "POSTROUTING", "RETURN", "MASQUERADE", "standard", "ERROR", "QUEUE", "NAT"} {
		if CheckChainName(bad) == nil {
			t.Errorf("CheckChainName(%q) accepts it", bad)
		}
	}
}

// TestChainNames has every name that iptables could treat specially, in every
// case: those that CheckChainName accepts work as the name of our chain.
func TestChainNames(t *testing.T) {
	files, err := filepath.Glob("/usr/lib/*/xtables/lib*_*.so")
	if err != nil {
		t.Fatal(err)
	}
	names := reservedNames()
	for _, file := range files {
		names = append(names, regexp.MustCompile(`lib[a-z0-9]+_(.*)\.so`).FindStringSubmatch(file)[1])
	}
	for _, name := range slices.Clone(names) {
		title := strings.ToUpper(name[:1]) + strings.ToLower(name[1:])
		names = append(names, strings.ToLower(name), strings.ToUpper(name), title)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	accepted := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return CheckChainName(name) != nil })
	if len(accepted) < 100 || len(accepted) == len(names) {
		t.Fatalf("%d of %d names are accepted", len(accepted), len(names))
	}
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		for _, name := range accepted { // a failure of one is one of all: a crash of the command
			netns.Restore(t, backend, family, fmt.Sprintf("*nat\n:%s - [0:0]\n-A %[1]s -j MASQUERADE\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j %[1]s\nCOMMIT\n", name))
		}
		postrouting := netns.List(t, backend, family, "POSTROUTING")
		for _, name := range accepted {
			if rules := netns.List(t, backend, family, name); len(rules) != 2 || !strings.HasSuffix(rules[1], "-j MASQUERADE") {
				t.Errorf("chain %s is %q", name, rules)
			}
			if !slices.Contains(postrouting, "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j "+name) {
				t.Errorf("no jump to %s", name)
			}
		}
	})
}
