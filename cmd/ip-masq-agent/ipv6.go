// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/pflag"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/doctor"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

// ipv6Mode is the value of --enable-ipv6.
type ipv6Mode string

// The values of --enable-ipv6. With ipv6Auto the agent decides on each node.
const (
	ipv6Off  ipv6Mode = "false"
	ipv6On   ipv6Mode = "true"
	ipv6Auto ipv6Mode = "auto"
)

// ipv6Flag adds --enable-ipv6. Without a value it means true, as a boolean flag.
func (f *flags) ipv6Flag(set *pflag.FlagSet) {
	f.ipv6 = ipv6Off
	set.Var((*ipv6Value)(f), "enable-ipv6", "manage IPv6 rules as well and accept IPv6 CIDRs in the file: false, true or auto; auto manages them once the node forwards IPv6")
	set.Lookup("enable-ipv6").NoOptDefVal = string(ipv6On)
}

// ipv6Value is the pflag.Value of --enable-ipv6.
type ipv6Value flags

func (v *ipv6Value) Set(s string) error {
	on, err := strconv.ParseBool(s)
	switch {
	case s == string(ipv6Auto):
		v.ipv6 = ipv6Auto
	case err != nil:
		return fmt.Errorf("%q is none of true, false and auto", s)
	case on:
		v.ipv6 = ipv6On
	default:
		v.ipv6 = ipv6Off
	}
	v.config.IPv6 = v.ipv6 != ipv6Off
	return nil
}

func (v *ipv6Value) String() string { return string(v.ipv6) }
func (v *ipv6Value) Type() string   { return "mode" }

// families returns the families that are enabled, and those about which the agent
// decides while it runs.
func (m ipv6Mode) families() (enabled, optional []netfilter.Family) {
	switch m {
	case ipv6On:
		return netfilter.Families(), nil
	case ipv6Auto:
		return []netfilter.Family{netfilter.IPv4}, []netfilter.Family{netfilter.IPv6}
	}
	return []netfilter.Family{netfilter.IPv4}, nil
}

// whenForwarding enables IPv6 on a node that forwards it.
func whenForwarding(b backend.Name, q backend.Query) agent.Optional {
	q.Families = []netfilter.Family{netfilter.IPv6}
	return agent.Optional{
		Needed: func() (bool, string) {
			forwards, why, err := host.ForwardsIPv6()
			if err != nil {
				return false, err.Error()
			}
			return forwards, why
		},
		Possible: func(ctx context.Context) error { return backend.CanHold(ctx, b, q) },
	}
}

// managesIPv6 reports whether an agent with these flags manages IPv6 rules on this
// node, and why not. agent is the one that runs here, nil if none was found.
func (f *flags) managesIPv6(ctx context.Context, agent *runningAgent) (bool, string) {
	switch f.ipv6 {
	case ipv6On:
		return true, ""
	case ipv6Off:
		return false, "--enable-ipv6 is off"
	}
	forwards, why, err := host.ForwardsIPv6()
	if err != nil {
		why = err.Error()
	}
	why = "--enable-ipv6=auto has not enabled IPv6: " + why
	if agent != nil {
		if text, err := agent.metrics(ctx); err == nil {
			return regexp.MustCompile(`(?m)^` + status.BackendMetric + `\{backend="[a-z-]+",family="IPv6"\}`).Match(text), why
		}
	}
	// An agent that finds its rules when it starts manages them.
	return forwards || doctor.HasIPv6Rules(ctx, f.masq.ChainName), why
}
