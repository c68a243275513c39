// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/route"
)

// node is one on which all is well, in nft and IPv4, with more rules besides.
func node(t *testing.T, more string) Node {
	t.Helper()
	c := config.Default(config.Options{})
	n := Node{ChainName: "IP-MASQ", ConfigFile: "/etc/config/ip-masq-agent", Config: c, Backend: iptables.Choice{Backend: iptables.NFT, Why: "asked"},
		Forwarding: "0\n", Mounts: host}
	chain := masq.Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, c)
	text := strings.ReplaceAll(chain.String(), "COMMIT\n", more)
	n.Tables = []Table{{Family: netfilter.IPv4, Backend: iptables.NFT, Want: chain, Chains: masq.Chains{
		"IP-MASQ":     iptables.ParseListing("IP-MASQ", "-N IP-MASQ\n"+text),
		"POSTROUTING": iptables.ParseListing("POSTROUTING", "-P POSTROUTING ACCEPT\n"+text),
	}}}
	return n
}

// said returns what a check found, shortly.
func said(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, string(f.Severity)+": "+f.What)
	}
	return out
}

const (
	// host is a machine's mountinfo, shortened.
	host = `22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
25 22 0:23 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755
`
	container = "1042 903 0:309 / / ro,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/8/fs\n"
)

func TestLock(t *testing.T) {
	tests := []struct {
		name, mounts string
		backend      iptables.Backend
		want         string
	}{
		{"host", host, iptables.Legacy, "ok: /run/xtables.lock is the host's"},
		{"mounted file", container + "1050 1042 0:23 /xtables.lock /run/xtables.lock rw - tmpfs tmpfs rw\n", iptables.Legacy, "ok: /run/xtables.lock is the host's"},
		{"mounted directory", container + "1050 1042 259:2 /run /run rw - ext4 /dev/root rw\n", iptables.Legacy, "ok: /run/xtables.lock is the host's"},
		{"container", container, iptables.Legacy, "warning: /run/xtables.lock is not the host's: it lies in the container's own root"},
		{"container's tmpfs", container + "1050 1042 0:99 / /run rw - tmpfs tmpfs rw\n", iptables.Legacy, "warning: /run/xtables.lock is not the host's: it lies in /run, a tmpfs of the container's own"},
		{"another file", container + "1050 1042 0:23 /x /run/xtables.lock.d rw - tmpfs tmpfs rw\n", iptables.Legacy, "warning: /run/xtables.lock is not the host's: it lies in the container's own root"},
		{"iptables-nft", container, iptables.NFT, "info: /run/xtables.lock is not the host's (it lies in the container's own root), and nft needs none"},
		{"unreadable", "nonsense\n", iptables.Legacy, "unchecked: whether /run/xtables.lock is the host's: no mount has it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := Node{Mounts: tt.mounts, Backend: iptables.Choice{Backend: tt.backend}}
			if diff := cmp.Diff([]string{tt.want}, said(lock(n))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	tests := []struct {
		node Node
		want string
	}{
		{Node{IPv6: true, Forwarding: "1\n", IPv6Address: true}, "ok: --enable-ipv6 is on"},
		{Node{Forwarding: "0\n", IPv6Address: true}, "ok: the node does not forward IPv6, and --enable-ipv6 is off"},
		{Node{Forwarding: "1\n"}, "info: the node forwards IPv6 while --enable-ipv6 is off, but has no IPv6 address itself"},
		{Node{Forwarding: "1\n", IPv6Address: true}, "warning: the node forwards IPv6 and has an IPv6 address, while --enable-ipv6 is off"},
		{Node{ForwardingErr: errors.New("denied")}, "unchecked: whether the node forwards IPv6: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, said(ipv6(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestConfiguration(t *testing.T) {
	refused := &config.Refusal{Problems: []config.Problem{{File: "f", Line: 2, Key: "k", Reason: "is wrong", Remedy: "mend it"}}}
	tests := []struct {
		node Node
		want string
	}{
		{Node{ConfigFile: "f"}, "ok: f is good"},
		{Node{ConfigFile: "f", NoFile: true}, "info: there is no file f, so the defaults hold"},
		{Node{ConfigFile: "f", ConfigErr: refused}, "error: the agent refuses the file: f:2: k: is wrong: mend it"},
		{Node{ConfigFile: "f", ConfigErr: errors.New("denied")}, "error: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, said(configuration(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestForeignRules has what no kernel here can hold, such as an ipset.
func TestForeignRules(t *testing.T) {
	const calico = "-A POSTROUTING -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst -j MASQUERADE\n"
	got := foreignRules(node(t, calico))
	want := []Finding{{
		Check: "foreign-rule", Severity: Warning, Family: "IPv4",
		What:        "a rule of POSTROUTING, after our jump, may masquerade what the chain keeps",
		Rules:       []string{strings.TrimSpace(calico)},
		Consequence: "traffic to 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 may leave with the node's address, though the file keeps the pod's",
		Remedy:      "find who writes the rule, and turn its masquerading off there; deleting the rule alone does not last",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, harmless := range []string{
		"", "-A POSTROUTING -d 8.8.8.0/24 -j MASQUERADE\n", "-A POSTROUTING -d 10.0.0.0/8 -j ACCEPT\n",
		"-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\n", "-A POSTROUTING -d 224.0.0.0/4 -j MASQUERADE\n",
	} {
		if diff := cmp.Diff([]string{"ok: no rule of others masquerades what the chain keeps"}, said(foreignRules(node(t, harmless)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", harmless, diff)
		}
	}
}

func TestExamineHealthy(t *testing.T) {
	if findings := Examine(node(t, "")); !Fine(findings) {
		t.Errorf("%q", said(findings))
	}
	broken := Node{BackendErr: errors.New("no usable iptables"), FlowsErr: errors.New("denied"), Mounts: host, Forwarding: "0"}
	if findings := Examine(broken); Fine(findings) {
		t.Errorf("%q", said(findings))
	}
}

// TestUnchecked: what could not be read is said, and is no finding of its own.
func TestUnchecked(t *testing.T) {
	n := node(t, "")
	n.Tables = append(n.Tables, Table{Family: netfilter.IPv4, Backend: iptables.Legacy, Err: errors.New("denied")})
	n.FlowsErr = errors.New("denied")
	got := said(append(leftovers(n), connections(n)...))
	want := []string{"unchecked: whether a chain of ours lies in the iptables-legacy tables: denied", "unchecked: which connections still follow old rules: denied"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestToday(t *testing.T) {
	addr := netip.MustParseAddr
	pod, internet, peer, self := addr("10.244.1.5"), addr("8.8.8.8"), addr("10.9.9.9"), addr("192.0.2.1")
	routes := map[netip.Addr]route.Route{pod: {Device: "cni0"}, internet: {Device: "eth0"}, peer: {Device: "eth0"}, self: {Local: true, Device: "lo"}}
	tests := []struct {
		name string
		flow Flow
		want masq.Verdict
	}{
		{"out", Flow{Source: pod, Reached: internet}, masq.Masquerade},
		{"inside", Flow{Source: pod, Reached: peer, Masqueraded: true}, masq.Keep},
		{"to the node", Flow{Source: pod, Reached: self}, masq.Unknown},
		{"from the node", Flow{Source: self, Reached: internet}, masq.Unknown},
		{"of a Service, masqueraded by kube-proxy", Flow{Source: pod, Reached: peer, Masqueraded: true, Translated: true}, masq.Unknown},
		{"of a Service", Flow{Source: pod, Reached: internet, Translated: true}, masq.Masquerade},
		{"without a route", Flow{Source: pod, Reached: addr("8.8.4.4")}, masq.Unknown},
	}
	for _, tt := range tests {
		n := node(t, "")
		n.Routes = routes
		if got := n.today(tt.flow); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
