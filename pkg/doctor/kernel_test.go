// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestNodes restores the rules of each node of testdata in both iptables backends and
// families, in addition to the agent's, and compares the output of doctor.
func TestNodes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.rules")
	if err != nil || len(files) == 0 {
		t.Fatalf("no nodes: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".rules")
		t.Run(name, func(t *testing.T) {
			netns.Matrix(t, func(t *testing.T, backend, family string) {
				options := synced(t, backend)
				rules, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				netns.Restore(t, backend, family, translate(family, string(rules)))
				before := netns.Save(t, backend, family)
				var b strings.Builder
				if err := Write(&b, ofTables(Examine(Read(t.Context(), options)))); err != nil {
					t.Fatal(err)
				}
				golden(t, "testdata/"+name+"."+family+".golden",
					strings.NewReplacer(" "+backend+",", " BACKEND,", " "+backend+" beside", " BACKEND beside").Replace(b.String()), backend)
				if diff := cmp.Diff(before, netns.Save(t, backend, family)); diff != "" {
					t.Errorf("doctor changed the table (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// synced writes the rules that an agent with IPv6 writes.
func synced(t *testing.T, backend string) Options {
	t.Helper()
	o := options(t, backend)
	apply(t, o, backend)
	return o
}

// options returns the options of an agent with a file and with IPv6.
func options(t *testing.T, backend string) Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	const text = "nonMasqueradeCIDRs: [10.0.0.0/8, 172.16.0.0/12, 'fd00::/8', '2001:db8::/32']\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Options{ConfigFile: file, IPv6: true, Config: config.Options{IPv6: true}, Masq: masq.Options{ChainName: "IP-MASQ", RandomFully: true}, Backend: backends.Name(backend)}
}

// apply writes the rules of the file in both families.
func apply(t *testing.T, o Options, backend string) {
	t.Helper()
	c, err := config.Load(o.ConfigFile, o.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		if _, err := iptables.NewNAT(f, iptables.Backend(backend)).Apply(t.Context(), o.Masq.Chain(f, c.Config)); err != nil {
			t.Fatal(err)
		}
	}
}

// translate replaces the addresses of rules by those of the family.
func translate(family, rules string) string {
	if family != "IPv6" {
		return rules
	}
	return strings.NewReplacer("10.0.0.0/8", "fd00::/8", "10.244.1.0/24", "fd00:244:1::/64", "10.244.1.5/32", "fd00:244:1::5/128",
		"10.244.1.6/32", "fd00:244:1::6/128", "224.0.0.0/4", "ff00::/8", "172.17.0.0/16", "fd17::/64",
		"198.51.100.0/24", "2001:db9:100::/48", "192.0.2.9", "2001:db9::9").Replace(rules)
}

// ofTables returns the findings about rules. The others depend on the machine.
func ofTables(findings []Finding) []Finding {
	return slices.DeleteFunc(findings, func(f Finding) bool {
		return slices.Contains([]string{"config", "ebpf", "ipv6", "lock", "connections"}, f.Check)
	})
}

var update = flag.Bool("update", false, "write the golden files of testdata anew, from nft")

// golden compares with a file, which is the same for both backends.
func golden(t *testing.T, path, got, backend string) {
	t.Helper()
	if *update && backend == "iptables-nft" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestLeftoverInTheOtherBackend tests a node with the agent's chain in both backends.
func TestLeftoverInTheOtherBackend(t *testing.T) {
	netns.Matrix(t, func(t *testing.T, backend, family string) {
		options := synced(t, backend)
		other := map[string]string{"iptables-nft": "iptables-legacy", "iptables-legacy": "iptables-nft"}[backend]
		netns.Restore(t, other, family, "*nat\n:IP-MASQ - [0:0]\n-A IP-MASQ -j MASQUERADE\n-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\nCOMMIT\n")
		var got []Finding
		for _, f := range ofTables(Examine(Read(t.Context(), options))) {
			if f.Severity != OK {
				got = append(got, f)
			}
		}
		want := []Finding{{
			Check: "backend", Severity: Warning, Family: family,
			What:        "chain IP-MASQ is in " + other + " too, where this agent does not manage it",
			Rules:       []string{"-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ"},
			Consequence: "both sets of rules are in force: traffic is masqueraded if one of them says so, and edits of the file change only one",
			Remedy:      "ip-masq-agent cleanup --masq-chain=IP-MASQ --backend=" + other,
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
