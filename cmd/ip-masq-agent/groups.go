// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"flag"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
)

// The groups of flags. The agent and the verbs each take those that they need.

func (f *flags) chainFlag(set *pflag.FlagSet) {
	set.StringVar(&f.masq.ChainName, "masq-chain", "IP-MASQ", "`name` of the nat chain to keep; GKE's own rules give way only to IP-MASQ")
}

func (f *flags) backendFlag(set *pflag.FlagSet, usage string) {
	set.StringVar((*string)(&f.backend), "backend", string(backend.Auto), usage)
}

// agentBackend is the usage of --backend where one backend is chosen.
const agentBackend = "`name` of the backend: auto, iptables-nft, iptables-legacy or nftables; auto takes what the rest of the node uses"

// ruleFlags are about the rules that are written.
func (f *flags) ruleFlags() {
	rules := f.group("Rules")
	f.chainFlag(rules)
	f.ipv6Flag(rules)
	rules.BoolVar(&f.masq.RandomFully, "random-fully", true, "masquerade with --random-fully, if iptables can (1.6.2 and later)")
	rules.Var((*portRanges)(&f.masq.ToPorts), "to-ports", "source port `ranges` to masquerade to, such as 1024-29999,32768-65535; empty leaves the ports to the kernel")
}

func (f *flags) reservedFlag(set *pflag.FlagSet) {
	set.BoolVar(&f.config.ReservedRanges, "nomasq-all-reserved-ranges", false, "without nonMasqueradeCIDRs in the file, keep the pod's address to all reserved ranges, not those of RFC 1918 alone")
}

// fileFlags are about what the file says.
func (f *flags) fileFlags() {
	file := f.group("Configuration")
	file.StringVar(&f.configFile, "config", "/etc/config/ip-masq-agent", "`file` to read, or a directory of files to merge; it is checked for changes each second, and while it is missing the defaults hold")
	f.reservedFlag(file)
}

func (f *flags) loggingFlags() {
	logging := f.group("Logging (klog)")
	goFlags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(goFlags)
	logging.AddGoFlagSet(goFlags)
}

// ignoredLoggingFlags takes the flags of klog, and does nothing with them.
func (f *flags) ignoredLoggingFlags() {
	logging := f.group("Logging (klog)")
	goFlags, ignored := flag.NewFlagSet("klog", flag.ContinueOnError), flag.NewFlagSet("ignored", flag.ContinueOnError)
	klog.InitFlags(goFlags)
	goFlags.VisitAll(func(k *flag.Flag) {
		b, isBool := k.Value.(interface{ IsBoolFlag() bool })
		ignored.Var(ignoredValue(isBool && b.IsBoolFlag()), k.Name, k.Usage)
	})
	logging.AddGoFlagSet(ignored)
}

// ignoredValue is the flag.Value of a flag that may have any value. It is true
// if the flag may have none.
type ignoredValue bool

func (v ignoredValue) Set(string) error { return nil }
func (v ignoredValue) String() string   { return "" }
func (v ignoredValue) IsBoolFlag() bool { return bool(v) }

// outputFlags end every verb's flags.
func (f *flags) outputFlags() {
	output := f.group("Output")
	output.StringVarP(&f.output, "output", "o", outputText, "`format`: text, for people, or json")
	f.helpFlag(output)
}

func (f *flags) helpFlag(set *pflag.FlagSet) {
	set.BoolP("help", "h", false, "print this and exit")
}

// The values of --output.
const (
	outputText = "text"
	outputJSON = "json"
)

// portRanges is the pflag.Value of --to-ports.
type portRanges []iptables.PortRange

func (p *portRanges) Set(s string) (err error) {
	*p, err = masq.ParsePortRanges(s)
	return err
}

func (p *portRanges) String() string {
	var words []string
	for _, r := range *p {
		words = append(words, r.String())
	}
	return strings.Join(words, ",")
}

func (p *portRanges) Type() string { return "ranges" }

// prefixes is the pflag.Value of a flag that takes CIDRs with commas between
// them, and may be given again.
type prefixes []netip.Prefix

func (p *prefixes) Set(s string) error {
	for _, word := range strings.Split(s, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(word))
		if err != nil || prefix.Addr().Is4In6() {
			return fmt.Errorf("%q is not a CIDR, such as 10.4.0.0/14", word)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

func (p *prefixes) String() string {
	var words []string
	for _, prefix := range *p {
		words = append(words, prefix.String())
	}
	return strings.Join(words, ",")
}

func (p *prefixes) Type() string { return "CIDRs" }

// backendNames lists the values of --backend.
func backendNames() string {
	var names []string
	for _, b := range backend.Names() {
		names = append(names, string(b))
	}
	return strings.Join(names, ", ")
}
