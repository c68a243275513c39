// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package explain

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/route"
)

// read makes chains of the lines of iptables -S.
func read(text string) masq.Chains {
	chains := masq.Chains{}
	for _, name := range []string{"POSTROUTING", "IP-MASQ", "OTHER"} {
		chains[name] = iptables.ParseListing(name, "-N "+name+"\n"+text)
	}
	return chains
}

func ask(src, dst string) Question {
	q := Question{Destination: netip.MustParseAddr(dst), Route: route.Route{Device: "eth0"}}
	if src != "" {
		q.Source = netip.MustParseAddr(src)
	}
	return q
}

func written(t *testing.T, a Answer) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, []Answer{a}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestByKernel(t *testing.T) {
	const jump = "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ\n"
	const chain = "-A IP-MASQ -d 10.0.0.0/8 -j RETURN\n-A IP-MASQ -j MASQUERADE\n"
	const pod = "-A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE\n"
	local := ask("", "192.0.2.1")
	local.Route = route.Route{Local: true, Device: "lo"}
	tests := []struct {
		name     string
		question Question
		rules    string
		other    string // the other backend's rules
		want     string
	}{
		{name: "kept", question: ask("", "10.1.2.3"), rules: jump + chain,
			want: "10.1.2.3: keeps the pod's address\n  because  10.0.0.0/8 has it (kernel)\n  rule     -A IP-MASQ -d 10.0.0.0/8 -j RETURN\n"},
		{name: "masqueraded", question: ask("", "8.8.8.8"), rules: jump + chain,
			want: "8.8.8.8: leaves with the node's address\n  because  no range of the chain has it (kernel)\n  rule     -A IP-MASQ -j MASQUERADE\n"},
		{name: "local", question: local, rules: jump + chain,
			want: "192.0.2.1: keeps the pod's address\n  because  the destination is LOCAL to this node, so chain IP-MASQ is not consulted (kernel)\n"},
		{name: "no jump", question: ask("", "8.8.8.8"), rules: chain,
			want: "8.8.8.8: keeps the pod's address\n  because  no rule of POSTROUTING goes to chain IP-MASQ (kernel)\n"},
		{name: "empty chain", question: ask("", "8.8.8.8"), rules: jump,
			want: "8.8.8.8: keeps the pod's address\n  because  no rule of chain IP-MASQ takes it (kernel)\n"},
		{name: "another rule", question: ask("10.244.1.5", "10.1.2.3"), rules: jump + chain + pod,
			want: "10.1.2.3 from 10.244.1.5: leaves with the node's address\n  because  a rule outside chain IP-MASQ decides (kernel)\n  rule     -A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE\n"},
		{name: "another pod's rule", question: ask("10.244.1.6", "10.1.2.3"), rules: jump + chain + pod,
			want: "10.1.2.3 from 10.244.1.6: keeps the pod's address\n  because  10.0.0.0/8 has it (kernel)\n  rule     -A IP-MASQ -d 10.0.0.0/8 -j RETURN\n"},
		{name: "some pod's rule", question: ask("", "10.1.2.3"), rules: jump + chain + pod,
			want: "10.1.2.3: cannot be told\n  because  it depends on the source, which --source names (kernel)\n  perhaps  masquerade: -A POSTROUTING -s 10.244.1.5/32 -j MASQUERADE\n  perhaps  keep: no rule\n"},
		{name: "a foreign rule in the chain", question: ask("", "8.8.8.8"), rules: jump + "-A IP-MASQ -m time --timestart 08:00:00 -j RETURN\n" + chain,
			want: "8.8.8.8: cannot be told\n  because  it depends on conditions that cannot be judged from here (kernel)\n  perhaps  masquerade: -A IP-MASQ -j MASQUERADE\n  perhaps  keep: no rule\n"},
		{name: "the other backend", question: ask("", "10.1.2.3"), rules: jump + chain, other: "-A POSTROUTING -j MASQUERADE\n",
			want: "10.1.2.3: leaves with the node's address\n  because  a rule outside chain IP-MASQ decides (kernel)\n  rule     -A POSTROUTING -j MASQUERADE\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ByKernel(tt.question, "IP-MASQ", read(tt.rules), read(tt.other))
			if diff := cmp.Diff(tt.want, written(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAgainst(t *testing.T) {
	rules := []iptables.Rule{{Comment: "c", Destination: netip.MustParsePrefix("10.0.0.0/8"), Target: iptables.Return}, {Comment: "c", Target: iptables.Masquerade}}
	q := ask("", "10.1.2.3")
	live := ByKernel(q, "IP-MASQ", read("-A POSTROUTING -j IP-MASQ\n-A IP-MASQ -j MASQUERADE\n"))
	got := live.Against(ByFile(q, "file", "IP-MASQ", rules))
	want := `10.1.2.3: leaves with the node's address
  because  no range of the chain has it (kernel)
  rule     -A IP-MASQ -j MASQUERADE
  DIFFERS  by the file it keeps the pod's address, as 10.0.0.0/8 has it
  rule     -A IP-MASQ -m comment --comment "c" -d 10.0.0.0/8 -j RETURN
`
	if diff := cmp.Diff(want, written(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Fine() || !live.Fine() {
		t.Errorf("fine: %v with the file, %v without", got.Fine(), live.Fine())
	}
	same := live.Against(ByFile(q, "file", "IP-MASQ", rules[1:]))
	if same.Differs {
		t.Errorf("differs: %+v", same)
	}
	if six := ByFile(ask("", "2001:db8::1"), "file", "IP-MASQ", nil); six.Verdict != masq.Keep || !strings.Contains(six.Why, "--enable-ipv6") {
		t.Errorf("without a chain: %+v", six)
	}
}
