// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package subcommands_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// TestSources runs explain and doctor on a node with sourceCIDRs. The first
// address of the pods' CIDR belongs to the node's bridge.
func TestSources(t *testing.T) {
	netns.FullMatrix(t, func(t *testing.T, backend, family string) {
		node, outside := netns.Here(t), netns.New(t)
		netns.Connect(t, node, "eth0", outside, "eth0")
		node.IP(t, "link add cni0 type bridge")
		node.IP(t, "link set cni0 up")
		node.Address(t, "cni0", byFamily(family, "10.244.0.1/24", "fd00:244::1/64"))
		node.Address(t, "eth0", byFamily(family, "192.0.2.1/24", "2001:db8::1/64"))
		node.Route(t, "default", byFamily(family, "192.0.2.2", "2001:db8::2"))

		file := filepath.Join(t.TempDir(), "config")
		const text = "nonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']\nsourceCIDRs: [10.244.0.0/16, 10.7.0.0/24, 'fd00:244::/48']\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p := program.Start(t, program.Command(nil, "--config="+file, "--enable-ipv6", "--backend="+backend, "--http-bind-address="))
		for _, f := range []string{"IPv4", "IPv6"} {
			p.WaitLog("Synced rules", `family="`+f+`"`)
		}

		type answer struct{ Source, AssumedFrom, Verdict, Why string }
		ask := func(args ...string) answer {
			t.Helper()
			r := subcommand(t, nil, append([]string{"explain", "--live", "-o", "json"}, args...)...)
			var out struct {
				Answers []struct {
					answer
					File answer
				}
			}
			if err := json.Unmarshal([]byte(r.stdout), &out); err != nil || r.status != 0 || len(out.Answers) != 1 {
				t.Fatalf("explain %q: status %d, %v: %s%s", args, r.status, err, r.stdout, r.stderr)
			}
			if a := out.Answers[0]; a.File.Verdict != a.Verdict {
				t.Errorf("explain %q: answer from the kernel %+v, from the file %+v", args, a.answer, a.File)
			}
			return out.Answers[0].answer
		}
		public, private := byFamily(family, "203.0.113.7", "2001:db8:7::7"), byFamily(family, "10.8.1.1", "fd00:8::1")
		pod, pods := byFamily(family, "10.244.0.2", "fd00:244::2"), byFamily(family, "10.244.0.0/16", "fd00:244::/48")
		client := byFamily(family, "198.51.100.9", "2001:db8:9::9")
		local := byFamily(family, "10.0.0.0/8", "fd00::/8") + " contains it"
		for _, tt := range []struct {
			args []string
			want answer
		}{
			{[]string{public}, answer{pod, pods, "masquerade", "no CIDR of the agent's rules contains it"}},
			{[]string{private}, answer{pod, pods, "keep", local}},
			{[]string{"--source=" + pod, public}, answer{pod, "", "masquerade", "no CIDR of the agent's rules contains it"}},
			{[]string{"--source=" + client, public}, answer{client, "", "keep", "no source CIDR of the agent's rules contains " + client}},
		} {
			if diff := cmp.Diff(tt.want, ask(tt.args...)); diff != "" {
				t.Errorf("explain %q (-want +got):\n%s", tt.args, diff)
			}
		}

		doctor := func() (wrong []string) {
			t.Helper()
			var d struct {
				Findings []struct{ Check, Severity, Family, What, Consequence string }
			}
			r := subcommand(t, nil, "doctor", "-o", "json")
			if err := json.Unmarshal([]byte(r.stdout), &d); err != nil {
				t.Fatal(err)
			}
			for _, f := range d.Findings {
				if f.Severity != "ok" && f.Check != "lock" && f.Check != "config" {
					wrong = append(wrong, strings.Join([]string{f.Severity, f.Family, f.What, f.Consequence}, " "))
				}
			}
			return wrong
		}
		if wrong := doctor(); wrong != nil {
			t.Errorf("on a healthy node: %q", wrong)
		}
		// A rule that masquerades only clients.
		host := backend
		if backend == netns.NFTables {
			host = "iptables-nft"
		}
		netns.Restore(t, host, family, "*nat\n-A POSTROUTING -s "+client+" -d "+public+" -j MASQUERADE\nCOMMIT\n")
		wrong := doctor()
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "warning "+family) || !strings.HasSuffix(wrong[0], "traffic from "+client+" to "+public+" is masqueraded; by the file it keeps its source address") {
			t.Errorf("with a rule for clients: %q", wrong)
		}
	})
}
