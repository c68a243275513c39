// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package flags

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
)

// Options are the values of the agent's flags.
type Options struct {
	Masq        masq.Options
	Config      config.Options
	IPv6        IPv6Mode
	ConfigFile  string
	HTTPAddress string
	Backend     backend.Name
}

// AgentFlags returns the names of the flags that decide which rules the agent
// writes.
func AgentFlags() []string {
	return []string{"masq-chain", "enable-ipv6", "random-fully", "to-ports", "config", "nomasq-all-reserved-ranges", "backend"}
}

// Merge returns the options of another command line, except for flags that are set
// on this one.
func (s *Set) Merge(other Options) Options {
	if s.Changed("masq-chain") {
		other.Masq.ChainName = s.Masq.ChainName
	}
	if s.Changed("random-fully") {
		other.Masq.RandomFully = s.Masq.RandomFully
	}
	if s.Changed("to-ports") {
		other.Masq.ToPorts = s.Masq.ToPorts
	}
	if s.Changed("enable-ipv6") {
		other.IPv6, other.Config.IPv6 = s.IPv6, s.Config.IPv6
	}
	if s.Changed("backend") {
		other.Backend = s.Backend
	}
	if s.Changed("nomasq-all-reserved-ranges") {
		other.Config.ReservedRanges = s.Config.ReservedRanges
	}
	return other
}

// The values of --output.
const (
	Text = "text"
	JSON = "json"
)

// AddRules adds the group of the flags about the rules.
func (s *Set) AddRules() {
	rules := s.Group("Rules")
	s.AddChain(rules, "`name` of the nat chain that the agent manages; on GKE, only IP-MASQ replaces the node's own rules")
	s.addIPv6(rules)
	rules.BoolVar(&s.Masq.RandomFully, "random-fully", true, "masquerade with --random-fully, if iptables supports it (1.6.2 and later)")
	rules.Var((*portRanges)(&s.Masq.ToPorts), "to-ports", "source port `ranges` for masqueraded connections, such as 1024-29999,32768-65535; if empty, the kernel chooses")
}

// AddChain adds --masq-chain.
func (s *Set) AddChain(group *pflag.FlagSet, usage string) {
	group.StringVar(&s.Masq.ChainName, "masq-chain", "IP-MASQ", usage)
	s.Check(func() error {
		if err := iptables.CheckChainName(s.Masq.ChainName); err != nil {
			return fmt.Errorf("--masq-chain: %w", err)
		}
		return nil
	})
}

// AddConfiguration adds the group of the flags about the configuration.
func (s *Set) AddConfiguration() {
	configuration := s.Group("Configuration")
	configuration.StringVar(&s.ConfigFile, "config", "/etc/config/ip-masq-agent", "`file` to read, or a directory of files to merge; it is checked for changes each second, and the defaults apply while it is missing")
	s.AddReserved(configuration)
	s.Check(func() error {
		if s.ConfigFile == "" {
			return errors.New("--config: give the path of a file or a directory; the defaults apply while it is missing")
		}
		return nil
	})
}

// AddReserved adds --nomasq-all-reserved-ranges.
func (s *Set) AddReserved(group *pflag.FlagSet) {
	group.BoolVar(&s.Config.ReservedRanges, "nomasq-all-reserved-ranges", false, "by default do not masquerade traffic to any reserved range, instead of only those of RFC 1918; applies if the file has no nonMasqueradeCIDRs")
}

// AddBackend adds --backend as the agent has it.
func (s *Set) AddBackend(group *pflag.FlagSet) {
	s.AddBackendWithUsage(group, "`name` of the backend: auto, iptables-nft, iptables-legacy or nftables; auto chooses the one that the rest of the node uses")
}

// AddBackendWithUsage adds --backend with another meaning.
func (s *Set) AddBackendWithUsage(group *pflag.FlagSet, usage string) {
	group.StringVar((*string)(&s.Backend), "backend", string(backend.Auto), usage)
	s.Check(func() error {
		if slices.Contains(backend.Names(), s.Backend) {
			return nil
		}
		var names []string
		for _, b := range backend.Names() {
			names = append(names, string(b))
		}
		return fmt.Errorf("--backend: %q is none of %s", s.Backend, strings.Join(names, ", "))
	})
}

func (s *Set) addHTTPAddress(group *pflag.FlagSet) {
	s.AddHTTPAddressWithUsage(group, "`address` for /healthz, /readyz and /metrics; empty disables them")
}

// AddHTTPAddressWithUsage adds --http-bind-address with another meaning.
func (s *Set) AddHTTPAddressWithUsage(group *pflag.FlagSet, usage string) {
	group.StringVar(&s.HTTPAddress, "http-bind-address", "127.0.0.1:10292", usage)
	s.Check(func() error {
		if s.HTTPAddress == "" {
			return nil
		}
		_, port, err := net.SplitHostPort(s.HTTPAddress)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return fmt.Errorf("--http-bind-address: %w: write host:port, such as 127.0.0.1:10292", err)
		}
		return nil
	})
}

// AddOutput adds the last group of each subcommand.
func (s *Set) AddOutput() {
	output := s.Group("Output")
	output.StringVarP(&s.Output, "output", "o", Text, "`format`: text or json")
	s.addHelp(output)
	s.Check(func() error {
		if s.Output != Text && s.Output != JSON {
			return fmt.Errorf("--output: %q is neither text nor json", s.Output)
		}
		return nil
	})
}

func (s *Set) addHelp(group *pflag.FlagSet) {
	group.BoolP("help", "h", false, "print this and exit")
}
