// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package flags

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

func defaults() Options {
	return Options{
		Masq:        masq.Options{ChainName: "IP-MASQ", RandomFully: true},
		IPv6:        IPv6Off,
		ConfigFile:  "/etc/config/ip-masq-agent",
		HTTPAddress: "127.0.0.1:10292",
		Backend:     "auto",
	}
}

func TestParseAgent(t *testing.T) {
	with := func(change func(*Options)) Options {
		o := defaults()
		change(&o)
		return o
	}
	tests := []struct {
		args string
		want Options
	}{
		{"", defaults()},
		{"--masq-chain=A -v=4", with(func(o *Options) { o.Masq.ChainName = "A" })},
		{"-masq-chain=A -v 4", with(func(o *Options) { o.Masq.ChainName = "A" })},
		{"-masq-chain A", with(func(o *Options) { o.Masq.ChainName = "A" })},
		{"--enable-ipv6", with(func(o *Options) { o.IPv6, o.Config.IPv6 = IPv6On, true })},
		{"--enable-ipv6=auto", with(func(o *Options) { o.IPv6, o.Config.IPv6 = IPv6Auto, true })},
		{"--enable-ipv6=1 --enable-ipv6=F", defaults()},
		{"-random-fully=false", with(func(o *Options) { o.Masq.RandomFully = false })},
		{"--to-ports=1-2,5-9", with(func(o *Options) { o.Masq.ToPorts = []netfilter.PortRange{{From: 1, To: 2}, {From: 5, To: 9}} })},
		{"--config=f --backend=nftables --http-bind-address= --nomasq-all-reserved-ranges", with(func(o *Options) {
			o.ConfigFile, o.Backend, o.HTTPAddress, o.Config = "f", "nftables", "", config.Options{ReservedRanges: true}
		})},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			s := NewOtherAgent()
			if err := s.Parse(strings.Fields(tt.args)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.Options, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRejects(t *testing.T) {
	agent := func() *Set { return NewAgent("") }
	other := func() *Set {
		s := New("")
		var ranges Prefixes
		var address Address
		group := s.Group("Test")
		group.Var(&ranges, "pod-cidr", "")
		group.Var(&address, "source", "")
		s.AddOutput()
		s.Check(func() error { return errors.New("checked last") })
		return s
	}
	tests := []struct {
		set  func() *Set
		arg  string
		want string
	}{
		{agent, "-v=x", `--v: "x" is not a whole number`},
		{agent, "-v=99999999999", `--v: "99999999999" is too large or too small`},
		{agent, "--log_file_max_size=x", `--log_file_max_size: "x" is not a valid value`},
		{agent, "--random-fully=x", `--random-fully: "x": must be true or false`},
		{agent, "--enable-ipv6=x", `--enable-ipv6: "x" is none of true, false and auto`},
		{agent, "--backend=x", `--backend: "x" is none of auto, iptables-nft, iptables-legacy, nftables`},
		{agent, "--masq-chain=-F", `--masq-chain: chain name "-F" starts with '-': iptables would take it for an option`},
		{agent, "--config=", "--config: give the path of a file or a directory; the defaults apply while it is missing"},
		{agent, "--http-bind-address=x", "--http-bind-address: address x: missing port in address: write host:port, such as 127.0.0.1:10292"},
		{agent, "--to-ports=http-https", `--to-ports: "http-https": port "http" is not a number from 1 to 65535`},
		{agent, "--no-such-flag", "unknown flag: --no-such-flag"},
		{agent, "--to-ports", "flag needs an argument: --to-ports"},
		{other, "--pod-cidr=10.0.0.0/8,10.4", `--pod-cidr: "10.0.0.0/8,10.4": "10.4" is not a CIDR, such as 10.4.0.0/14`},
		{other, "--pod-cidr=::ffff:10.0.0.0/104", `--pod-cidr: "::ffff:10.0.0.0/104" is not a CIDR, such as 10.4.0.0/14`},
		{other, "--source=x", `--source: "x" is not an IP address`},
		{other, "--source=fd00::1%eth0", `--source: "fd00::1%eth0" has a zone: write it without the % and the zone`},
		{other, "--output=xml", `--output: "xml" is neither text nor json`},
		{other, "--output=json", "checked last"},
	}
	for _, tt := range tests {
		t.Run(tt.arg, func(t *testing.T) {
			err := tt.set().Parse([]string{tt.arg})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	s := New("usage\n")
	s.AddChain(s.Group("Rules"), "the `name` of a chain")
	s.AddOutput()
	if err := s.Parse([]string{"-h", "--output=x"}); !errors.Is(err, ErrHelp) {
		t.Errorf("Parse = %v, want ErrHelp", err)
	}
	var b strings.Builder
	if err := s.Help(&b); err != nil {
		t.Fatal(err)
	}
	const want = "usage\n" +
		"\nRules:\n      --masq-chain name   the name of a chain (default \"IP-MASQ\")\n" +
		"\nOutput:\n  -o, --output format       format: text or json (default \"text\")\n  -h, --help[=true|false]   print this and exit\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestValues checks values that are set more than once, and arguments.
func TestValues(t *testing.T) {
	s := New("")
	var ranges Prefixes
	var source Address
	group := s.Group("Test")
	group.Var(&ranges, "pod-cidr", "")
	group.Var(&source, "source", "")
	if err := s.Parse([]string{"a", "--pod-cidr=10.4.1.1/14, fd00::/48", "--source=::ffff:10.1.1.1", "--", "--pod-cidr"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("10.4.0.0/14,fd00::/48", ranges.String()); diff != "" {
		t.Errorf("--pod-cidr (-want +got):\n%s", diff)
	}
	if source.Addr != netip.MustParseAddr("10.1.1.1") {
		t.Errorf("--source is %s", source.Addr)
	}
	if diff := cmp.Diff([]string{"a", "--pod-cidr"}, s.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// TestMerge sets each of the agent's flags that decide about rules on one of two
// command lines, or on both.
func TestMerge(t *testing.T) {
	const (
		here  = "--masq-chain=A --random-fully=false --to-ports=1-2 --enable-ipv6 --backend=nftables --nomasq-all-reserved-ranges"
		there = "--masq-chain=B --random-fully=true --to-ports=3-4 --enable-ipv6=auto --backend=iptables-nft --nomasq-all-reserved-ranges=false"
	)
	parse := func(args string) *Set {
		s := NewOtherAgent()
		if err := s.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, tt := range []struct{ here, there, want string }{
		{here, there, here}, {here, "", here}, {"", there, there}, {"", "", ""},
	} {
		got := parse(tt.here).Merge(parse(tt.there).Options)
		if diff := cmp.Diff(parse(tt.want).Options, got); diff != "" {
			t.Errorf("Merge of %q and %q (-want +got):\n%s", tt.here, tt.there, diff)
		}
	}
}

// TestOtherAgent checks that the flags of klog do not change the log of this
// process.
func TestOtherAgent(t *testing.T) {
	s := NewOtherAgent()
	args := []string{"-v=7", "--vmodule=a=b=c", "--logtostderr", "--masq-chain=A"}
	if err := s.Parse(args); err != nil || s.Masq.ChainName != "A" {
		t.Errorf("Parse(%q) = %v, chain %s", args, err, s.Masq.ChainName)
	}
	if !s.Changed(AgentFlags()...) || s.Changed("config", "backend") {
		t.Error("Changed is wrong")
	}
}
