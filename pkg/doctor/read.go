// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"

	backends "ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
)

// Options say how the agent of the node runs.
type Options struct {
	ConfigFile string
	Config     config.Options
	IPv6       bool // the agent manages IPv6 rules
	AutoIPv6   bool // --enable-ipv6=auto decided that
	Masq       masq.Options
	Backend    string // auto, iptables-nft, iptables-legacy or nftables
	// InUse is the backend that the running agent says it uses; empty if it is
	// not known.
	InUse   string
	NoAgent bool // no agent was found, so the other options are the defaults
}

// Read gathers what there is to know of this node. What cannot be read is in
// the Node as an error. It changes nothing.
func Read(ctx context.Context, o Options) Node {
	n := Node{ChainName: o.Masq.ChainName, ConfigFile: o.ConfigFile, IPv6: o.IPv6, AutoIPv6: o.AutoIPv6, NoAgent: o.NoAgent}
	loaded, err := config.Load(o.ConfigFile, o.Config)
	n.Config, n.ConfigErr = loaded.Config, err
	n.NoFile = err == nil && len(loaded.Files) == 0
	n.Defaults = config.Default(o.Config).NonMasquerade
	n.Want = map[netfilter.Family]iptables.Chain{}
	for _, f := range netfilter.Families() {
		n.Want[f] = o.Masq.Chain(f, n.Config)
	}
	names := append(backends.AgentChains(), n.ChainName)
	n.Rules, n.Unread = Rules(ctx, names...)
	n.Chains = findChains(n.Rules, names)
	n.Backend, n.BackendErr = n.backendInUse(ctx, o)
	n.Missing = map[netfilter.Family]error{}
	if b := iptables.Backend(n.Backend.Name); b == iptables.NFT || b == iptables.Legacy {
		for _, f := range n.families() {
			if err := iptables.Find(ctx, b, f); err != nil {
				n.Missing[f] = err
			}
		}
	}
	if n.Backend.Name == nativeBackend {
		n.drift(o)
	}
	n.host()
	n.flows()
	return n
}

// drift compares the tables of the backend nftables with the file.
func (n *Node) drift(o Options) {
	n.Drift = map[netfilter.Family][]string{}
	for _, f := range n.families() {
		different, err := nftables.NewTable(f).Differences(o.Masq.Table(f, n.Config))
		n.Drift[f], n.DriftErr = different, errors.Join(n.DriftErr, err)
	}
}

// backendInUse is the backend that the running agent uses, or that --backend
// names, or the only one that has our chain with a jump to it, or the one that
// an agent would choose.
func (n *Node) backendInUse(ctx context.Context, o Options) (Backend, error) {
	if o.InUse != "" {
		return Backend{o.InUse, "the running agent uses it"}, nil
	}
	if in := only(n.Chains, n.ChainName); in != "" && o.Backend == string(backends.Auto) {
		return Backend{in, "the agent's rules are there"}, nil
	}
	choice, err := backends.Detect(ctx, backends.Query{
		Prefer: backends.Name(o.Backend), Chain: n.ChainName, Families: n.families(), ToPorts: len(o.Masq.ToPorts) > 0,
	})
	return Backend{string(choice.Backend), choice.Reason}, err
}

// BackendWith returns the only backend that has a chain of that name and a jump
// to it; empty if there is none, or more than one.
func BackendWith(ctx context.Context, chain string) string {
	rules, _ := Rules(ctx, chain)
	return only(findChains(rules, []string{chain}), chain)
}

// HasIPv6Rules reports whether any backend has a chain of that name, or the table of
// the backend nftables, for IPv6.
func HasIPv6Rules(ctx context.Context, chain string) bool {
	rules, _ := Rules(ctx, chain)
	return slices.ContainsFunc(findChains(rules, []string{chain}), func(c Chain) bool { return c.Family == netfilter.IPv6 })
}

func only(chains []Chain, name string) string {
	found := ""
	for _, c := range chains {
		switch {
		case c.Name != name || c.Rules != nil && len(c.Jumps) == 0:
		case found == "" || found == c.Backend:
			found = c.Backend
		default:
			return ""
		}
	}
	return found
}

// host reads what lies outside the rules.
func (n *Node) host() {
	n.Forwards, _, n.ForwardingErr = host.ForwardsIPv6()
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		n.IPv6Address = n.IPv6Address || err == nil && p.Addr().Is6() && p.Addr().IsGlobalUnicast()
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	n.Mounts, n.MountsErr = string(mounts), err
}

// flows reads the connections of the families that the agent manages, and the
// routes of their addresses.
func (n *Node) flows() {
	n.Flows, n.Routes = map[Flow]int{}, map[Flow]Way{}
	routes, err := host.OpenRoutes()
	if err != nil {
		n.FlowsErr, n.EBPFErr = err, err
		return
	}
	defer routes.Close()
	n.EBPF, n.EBPFErr = ebpfOf(routes, n.families())
	for _, f := range n.families() {
		flows, err := host.Flows(f == netfilter.IPv6)
		n.FlowsErr = errors.Join(n.FlowsErr, err)
		for _, f := range flows {
			if f.SourceDone && f.Source.IsValid() && f.Reached.IsValid() {
				n.Flows[Flow{Source: f.Source, Reached: f.Reached, Protocol: f.Protocol, Masqueraded: f.Left != f.Source, Translated: f.Reached != f.Asked}]++
			}
		}
	}
	for flow := range n.Flows {
		source, err := routes.To(flow.Source)
		n.FlowsErr = errors.Join(n.FlowsErr, err)
		reached, err := routes.Between(flow.Source, flow.Reached)
		n.FlowsErr = errors.Join(n.FlowsErr, err)
		if n.FlowsErr != nil {
			return
		}
		n.Routes[flow.key()] = Way{Source: source, Reached: reached}
	}
}

// ebpfOf asks for programs of the devices by which most packets leave.
func ebpfOf(routes *host.Routes, families []netfilter.Family) ([]string, error) {
	var devices []netfilter.Interface
	for _, f := range families {
		public := netip.MustParseAddr("8.8.8.8")
		if f == netfilter.IPv6 {
			public = netip.MustParseAddr("2001:4860:4860::8888")
		}
		r, err := routes.To(public)
		if err != nil {
			return nil, err
		}
		if r.Device.Index != 0 && !slices.Contains(devices, r.Device) {
			devices = append(devices, r.Device)
		}
	}
	return routes.EBPF(devices...)
}
