// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package flags

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"ip-masq-agent/pkg/netfilter"
)

// IPv6Mode is the value of --enable-ipv6.
type IPv6Mode string

// The values of --enable-ipv6. With IPv6Auto the agent decides on each node.
const (
	IPv6Off  IPv6Mode = "false"
	IPv6On   IPv6Mode = "true"
	IPv6Auto IPv6Mode = "auto"
)

// Families returns the IP families that are enabled, and those that the agent may
// enable while it runs.
func (m IPv6Mode) Families() (enabled, optional []netfilter.Family) {
	switch m {
	case IPv6On:
		return netfilter.Families(), nil
	case IPv6Auto:
		return []netfilter.Family{netfilter.IPv4}, []netfilter.Family{netfilter.IPv6}
	}
	return []netfilter.Family{netfilter.IPv4}, nil
}

// addIPv6 adds --enable-ipv6. Without a value it means true, as a boolean flag.
func (s *Set) addIPv6(group *pflag.FlagSet) {
	s.IPv6 = IPv6Off
	group.Var((*ipv6Value)(&s.Options), "enable-ipv6", "manage IPv6 rules as well and accept IPv6 CIDRs in the file: false, true or auto; auto manages them once the node forwards IPv6")
	group.Lookup("enable-ipv6").NoOptDefVal = string(IPv6On)
}

// ipv6Value is the [pflag.Value] of --enable-ipv6.
type ipv6Value Options

// Set parses the mode.
func (v *ipv6Value) Set(s string) error {
	on, err := strconv.ParseBool(s)
	switch {
	case s == string(IPv6Auto):
		v.IPv6 = IPv6Auto
	case err != nil:
		return fmt.Errorf("%q is none of true, false and auto", s)
	case on:
		v.IPv6 = IPv6On
	default:
		v.IPv6 = IPv6Off
	}
	v.Config.IPv6 = v.IPv6 != IPv6Off
	return nil
}

// String returns the mode.
func (v *ipv6Value) String() string { return string(v.IPv6) }

// Type names the type in --help.
func (v *ipv6Value) Type() string { return "mode" }
