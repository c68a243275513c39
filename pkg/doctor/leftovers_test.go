// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/test/netns"
)

// TestLeftoverIPv6 tests a node whose agent was started with --enable-ipv6 and then
// without it. The command of the remedy removes the IPv6 rules and no IPv4 rules.
func TestLeftoverIPv6(t *testing.T) {
	const run = "run the agent with --enable-ipv6; or remove only these rules: "
	remedies := map[string]string{
		"iptables-nft":    run + "on the node: nft 'delete rule ip6 nat POSTROUTING handle N; flush chain ip6 nat IP-MASQ; delete chain ip6 nat IP-MASQ'",
		"iptables-legacy": run + "ip-masq-agent cleanup --dry-run --masq-chain=IP-MASQ --backend=iptables-legacy prints a command and its input for IPv6",
		"nftables":        run + "on the node: nft 'delete table ip6 ip-masq-agent'",
	}
	handle := regexp.MustCompile(`handle \d+`)
	for _, backend := range netns.Backends() {
		t.Run(backend, func(t *testing.T) {
			netns.Require(t, append(netns.Tools(backend, "IPv4"), netns.Tools(backend, "IPv6")...)...)
			netns.Run(t, func(t *testing.T) {
				o := options(t, backend)
				if backend == netns.NFTables {
					applyTables(t, o)
				} else {
					apply(t, o, backend)
				}
				o.IPv6 = false // the file has IPv6 ranges, which only --enable-ipv6 accepts
				found := leftovers(t, o)
				if len(found) != 1 || found[0].Severity != Warning || found[0].Family != "IPv6" {
					t.Fatalf("findings %+v", found)
				}
				remedy := found[0].Remedy
				if diff := cmp.Diff(remedies[backend], handle.ReplaceAllString(remedy, "handle N")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				_, command, ok := strings.Cut(remedy, "on the node: ")
				if !ok {
					return
				}
				if out, err := netns.Output("sh", "-c", command); err != nil {
					t.Fatalf("%s: %v\n%s", command, err, out)
				}
				if found := leftovers(t, o); len(found) != 1 || found[0].Severity != OK {
					t.Errorf("after %s: %+v", command, found)
				}
				if n := Read(t.Context(), o); n.chain(netfilter.IPv4) == nil {
					t.Errorf("%s removed the IPv4 rules", command)
				}
			})
		})
	}
}

func leftovers(t *testing.T, o Options) []Finding {
	t.Helper()
	return checkLeftovers(Read(t.Context(), o))
}

// applyTables writes the tables of the file in both families.
func applyTables(t *testing.T, o Options) {
	t.Helper()
	c, err := config.Load(o.ConfigFile, o.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range netfilter.Families() {
		if _, err := nftables.NewTable(f).Apply(t.Context(), o.Masq.Table(f, c.Config)); err != nil {
			t.Fatal(err)
		}
	}
}
