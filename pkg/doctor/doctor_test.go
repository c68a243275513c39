// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// node is one on which all is well, in iptables-nft and IPv4, with more rules
// of POSTROUTING after our jump.
func node(more ...netfilter.Rule) Node {
	c := config.Default(config.Options{})
	want := masq.Options{ChainName: "IP-MASQ"}.Chain(netfilter.IPv4, c)
	chain := &netfilter.Chain{Name: "IP-MASQ"}
	for _, r := range want.Rules {
		chain.Rules = append(chain.Rules, kernelRule("IP-MASQ", r))
	}
	entry := &netfilter.Chain{Name: "POSTROUTING", Base: true, Priority: 100, Rules: append([]netfilter.Rule{kernelRule("POSTROUTING", want.Jump)}, more...)}
	table := &netfilter.Table{Owner: netfilter.OwnerNFTables, Family: "ip", Name: "nat", Chains: map[string]*netfilter.Chain{"IP-MASQ": chain, "POSTROUTING": entry}}
	n := Node{ChainName: "IP-MASQ", ConfigFile: "/etc/config/ip-masq-agent", Config: c, Backend: Backend{backend.IPTablesNFT, "asked"},
		Forwards: false, Mounts: hostMounts, Want: map[netfilter.Family]iptables.Chain{netfilter.IPv4: want}}
	n.setRules(table)
	return n
}

// setRules sets the tables of the node.
func (n *Node) setRules(tables ...*netfilter.Table) {
	n.Rules = predict.New(netfilter.Ruleset{Tables: tables}, "IP-MASQ")
	n.Chains = findChains(n.Rules.Ruleset, "IP-MASQ", nil)
}

// kernelRule is a rule of ours as it is read from the kernel.
func kernelRule(chain string, r iptables.Rule) netfilter.Rule {
	out := netfilter.Rule{Text: "-A " + chain + " " + r.String(), Comment: r.Comment}
	if r.NotLocal {
		out.Steps = append(out.Steps, notLocal())
	}
	if r.Source.IsValid() {
		out.Steps = append(out.Steps, netfilter.SourceIn(r.Source, false, "-s "+r.Source.String()))
	}
	if r.Destination.IsValid() {
		out.Steps = append(out.Steps, netfilter.DestinationIn(r.Destination, false, "-d "+r.Destination.String()))
	}
	verdict := netfilter.Verdict{Action: netfilter.Jump, Chain: r.Target}
	switch r.Target {
	case iptables.Return:
		verdict = netfilter.Verdict{Action: netfilter.Return}
	case iptables.Masquerade:
		verdict = netfilter.Verdict{Action: netfilter.Masquerade, RandomFully: r.RandomFully}
	}
	out.Steps = append(out.Steps, verdict)
	return out
}

// notLocal is -m addrtype ! --dst-type LOCAL.
func notLocal() netfilter.Condition {
	local := netfilter.Range{From: []byte{0, 0, 0, 2}, To: []byte{0, 0, 0, 2}}
	return netfilter.Condition{Key: []netfilter.Operand{{Field: netfilter.DestinationType, Length: 4}},
		Elements: []netfilter.Element{{Key: []netfilter.Range{local}}}, Negated: true, Text: "! --dst-type LOCAL"}
}

func rule(text string, steps ...netfilter.Step) netfilter.Rule {
	return netfilter.Rule{Text: text, Steps: steps}
}

func to(a netfilter.Action) netfilter.Verdict { return netfilter.Verdict{Action: a} }

func dst(p string) netfilter.Condition {
	return netfilter.DestinationIn(netip.MustParsePrefix(p), false, "-d "+p)
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
	// hostMounts is a machine's mountinfo, shortened.
	hostMounts = `22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
25 22 0:23 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,mode=755
`
	container = "1042 903 0:309 / / ro,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/8/fs\n"
)

func TestLock(t *testing.T) {
	tests := []struct {
		name, mounts string
		backend      backend.Name
		want         string
	}{
		{"host", hostMounts, backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"mounted file", container + "1050 1042 0:23 /xtables.lock /run/xtables.lock rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"mounted directory", container + "1050 1042 259:2 /run /run rw - ext4 /dev/root rw\n", backend.IPTablesLegacy, "ok: /run/xtables.lock is the host's"},
		{"container", container, backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in the container's root file system"},
		{"container's tmpfs", container + "1050 1042 0:99 / /run rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in /run, a tmpfs of the container"},
		{"another file", container + "1050 1042 0:23 /x /run/xtables.lock.d rw - tmpfs tmpfs rw\n", backend.IPTablesLegacy, "warning: /run/xtables.lock is not the host's: it is in the container's root file system"},
		{"iptables-nft", container, backend.IPTablesNFT, "info: /run/xtables.lock is not the host's (it is in the container's root file system), and iptables-nft does not need it"},
		{"unreadable", "nonsense\n", backend.IPTablesLegacy, "unchecked: cannot tell whether /run/xtables.lock is the host's: /run/xtables.lock is not in mountinfo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := Node{Mounts: tt.mounts, Backend: Backend{Name: tt.backend}}
			if diff := cmp.Diff([]string{tt.want}, said(checkLock(n))); diff != "" {
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
		{Node{IPv6: true, Forwards: true, IPv6Address: true}, "ok: --enable-ipv6 is on"},
		{Node{IPv6: true, AutoIPv6: true}, "ok: --enable-ipv6=auto has enabled IPv6"},
		{Node{AutoIPv6: true, IPv6Address: true}, "ok: the node does not forward IPv6, so --enable-ipv6=auto leaves IPv6 off"},
		{Node{AutoIPv6: true, Forwards: true}, "warning: the node forwards IPv6, but the agent (--enable-ipv6=auto) has not enabled IPv6"},
		{Node{IPv6Address: true}, "ok: the node does not forward IPv6, and --enable-ipv6 is off"},
		{Node{Forwards: true}, "info: the node forwards IPv6 while --enable-ipv6 is off, but has no IPv6 address itself"},
		{Node{Forwards: true, IPv6Address: true}, "warning: the node forwards IPv6 and has an IPv6 address, while --enable-ipv6 is off"},
		{Node{ForwardingErr: errors.New("denied")}, "unchecked: cannot tell whether the node forwards IPv6: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, said(checkIPv6(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestConfiguration(t *testing.T) {
	refused := &config.InvalidError{Problems: []config.Problem{{File: "f", Line: 2, Key: "k", Reason: "is wrong", Remedy: "mend it"}}}
	tests := []struct {
		node Node
		want string
	}{
		{Node{ConfigFile: "f"}, "ok: f is valid"},
		{Node{ConfigFile: "f", NoFile: true}, "info: there is no file f, so the defaults apply"},
		{Node{ConfigFile: "f", ConfigErr: refused}, "error: the agent rejects the file: f:2: k: is wrong: mend it"},
		{Node{ConfigFile: "f", Root: "/proc/7/root"}, "ok: f in the agent's container is valid"},
		{Node{ConfigFile: "f", ConfigErr: errors.New("denied")}, "error: denied"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff([]string{tt.want}, said(checkConfig(tt.node))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestExamineHealthy(t *testing.T) {
	if findings := Examine(node()); !Healthy(findings) {
		t.Errorf("%q", said(findings))
	}
	broken := Node{BackendErr: errors.New("no usable iptables"), FlowsErr: errors.New("denied"), Mounts: hostMounts, Forwards: false}
	if findings := Examine(broken); Healthy(findings) {
		t.Errorf("%q", said(findings))
	}
}

// TestUnchecked: what could not be read is reported, and costs no other check.
func TestUnchecked(t *testing.T) {
	n := node()
	denied := errors.New("denied")
	n.Rules.Tables = append(n.Rules.Tables, netfilter.Unread(netfilter.OwnerLegacy, netfilter.IPv6, denied))
	n.Unread = []predict.Unread{{Backend: backend.IPTablesLegacy, Family: netfilter.IPv6, Err: denied}}
	n.FlowsErr, n.EBPFErr = denied, denied
	var got []string
	for _, f := range Examine(n) {
		if f.Severity != OK {
			got = append(got, string(f.Severity)+": "+f.What)
		}
	}
	want := []string{
		"unchecked: cannot tell whether chain IP-MASQ is in iptables-legacy too: denied",
		"unchecked: not certain that no other agent has a chain here: the IPv6 rules of iptables-legacy could not be read",
		"unchecked: not certain that no rule of another program contradicts the file: the IPv6 rules of iptables-legacy could not be read",
		"unchecked: cannot tell whether an eBPF program decides before the rules do: denied",
		"unchecked: cannot tell which connections follow old rules: denied",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEBPFRefused: the agent's container may not list programs at tcx, which is
// no fault of the node.
func TestEBPFRefused(t *testing.T) {
	n := node()
	n.EBPFErr = fmt.Errorf("asking for tcx programs of eth0: %w", unix.EPERM)
	got := checkEBPF(n)
	if len(got) != 1 || got[0].Severity != Info || !strings.HasSuffix(got[0].What, "asking for tcx programs of eth0: operation not permitted") {
		t.Errorf("%+v", got)
	}
}

// TestPrintable: texts of other programs cannot forge a line.
func TestPrintable(t *testing.T) {
	n := node(netfilter.Rule{Text: "-A POSTROUTING -m comment --comment \"a\nok  all is well\x1b[2J\" -j MASQUERADE", Steps: []netfilter.Step{to(netfilter.Masquerade)}})
	var b strings.Builder
	if err := Write(&b, Examine(n)); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "\x1b") || strings.Contains(got, "\nok  all") || !strings.Contains(got, `a\nok  all is well\x1b[2J`) {
		t.Errorf("printed %q", got)
	}
}

func TestDormant(t *testing.T) {
	n := node()
	n.Rules.Tables[0].Dormant = true
	want := []string{"error: table ip nat is dormant", "ok: chain IP-MASQ is as the file says, 5 rules", "ok: exactly one rule of POSTROUTING jumps to it"}
	if diff := cmp.Diff(want, said(checkRules(n))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplacedDefaults(t *testing.T) {
	n := node()
	n.Defaults = n.Config.NonMasquerade
	n.Config.NonMasquerade = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/15")}
	want := []string{"ok: /etc/config/ip-masq-agent is valid", "info: the file overrides the default 172.16.0.0/12"}
	if diff := cmp.Diff(want, said(checkConfig(n))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFlowFate(t *testing.T) {
	addr := netip.MustParseAddr
	pod, internet, peer, self := addr("10.244.1.5"), addr("8.8.8.8"), addr("10.9.9.9"), addr("192.0.2.1")
	unicast := func(device string) host.Route {
		return host.Route{Type: netfilter.TypeUnicast, Device: netfilter.Interface{Name: device, Index: 2}}
	}
	routes := map[netip.Addr]host.Route{addr("0.0.0.0"): unicast("eth0"), addr("224.0.0.22"): unicast("cni0"), addr("224.0.0.251"): unicast("cni0"), pod: unicast("cni0"), internet: unicast("eth0"), peer: unicast("eth0"), self: {Type: netfilter.TypeLocal, Device: netfilter.Interface{Name: "lo", Index: 1}}}
	tests := []struct {
		name string
		flow Flow
		want netfilter.Fate
	}{
		{"out", Flow{Connection: predict.Connection{Source: pod, Destination: internet}}, netfilter.Masqueraded},
		{"inside", Flow{Connection: predict.Connection{Source: pod, Destination: peer}, Masqueraded: true}, netfilter.Kept},
		{"to the node", Flow{Connection: predict.Connection{Source: pod, Destination: self}}, netfilter.Undetermined},
		{"from the node", Flow{Connection: predict.Connection{Source: self, Destination: internet}}, netfilter.Undetermined},
		{"of a Service, masqueraded by kube-proxy", Flow{Connection: predict.Connection{Source: pod, Destination: peer}, Masqueraded: true, Translated: true}, netfilter.Undetermined},
		{"of a Service", Flow{Connection: predict.Connection{Source: pod, Destination: internet}, Translated: true}, netfilter.Masqueraded},
		{"of the kernel, before a device has an address", Flow{Connection: predict.Connection{Source: addr("0.0.0.0"), Destination: addr("224.0.0.22")}}, netfilter.Undetermined},
		{"multicast", Flow{Connection: predict.Connection{Source: pod, Destination: addr("224.0.0.251")}}, netfilter.Undetermined},
		{"without a route", Flow{Connection: predict.Connection{Source: pod, Destination: addr("8.8.4.4")}}, netfilter.Undetermined},
	}
	for _, tt := range tests {
		n := node()
		tt.flow.SourceRoute, tt.flow.Route = routes[tt.flow.Source], routes[tt.flow.Destination]
		if got := n.fate(tt.flow); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
