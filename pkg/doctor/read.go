// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/host"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/nftables"
	"ip-masq-agent/pkg/predict"
)

// Options describe how the agent of the node runs.
type Options struct {
	ConfigFile string
	Root       string // as in Node
	Config     config.Options
	IPv6       bool // the agent manages IPv6 rules
	AutoIPv6   bool // --enable-ipv6=auto decided that
	Masq       masq.Options
	Backend    backend.Name // of the flag --backend
	// InUse is the backend that the running agent uses; empty if it is not known.
	InUse   backend.Name
	NoAgent bool // no running agent was found, and no flags were given
}

// Read reads everything that Examine needs. An error is a field of the Node. Read
// changes nothing.
func Read(ctx context.Context, o Options) Node {
	n := Node{
		ChainName: o.Masq.ChainName, Root: o.Root, ConfigFile: strings.TrimPrefix(o.ConfigFile, o.Root),
		IPv6: o.IPv6, AutoIPv6: o.AutoIPv6, NoAgent: o.NoAgent,
	}
	loaded, err := config.Load(o.ConfigFile, o.Config)
	n.Config, n.ConfigErr = loaded.Config, err
	n.NoFile = err == nil && len(loaded.Files) == 0
	n.Defaults = config.Default(o.Config).NonMasquerade
	n.Want = map[netfilter.Family]iptables.Chain{}
	for _, f := range netfilter.Families() {
		n.Want[f] = o.Masq.Chain(f, n.Config)
	}
	names := append(backend.AgentChains(), n.ChainName)
	rules, unread := predict.Read(ctx, names...)
	n.Rules, n.Unread = predict.New(rules, n.ChainName), unread
	n.Chains = findChains(rules, n.ChainName, names)
	n.Backend, n.BackendErr = n.backendInUse(ctx, o)
	n.Missing = map[netfilter.Family]error{}
	// In another container the agent has other commands.
	if b := iptables.Backend(n.Backend.Name); o.Root == "" && (b == iptables.NFT || b == iptables.Legacy) {
		for _, f := range n.families() {
			if err := iptables.Find(ctx, b, f); err != nil {
				n.Missing[f] = err
			}
		}
	}
	if n.Backend.Name == backend.NFTables {
		n.drift(o)
	}
	n.host()
	n.readConnections()
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

// backendInUse returns the backend that the running agent uses. If that is not
// known, it is the one that --backend names, the only one with the agent's rules, or
// the one that an agent would choose.
func (n *Node) backendInUse(ctx context.Context, o Options) (Backend, error) {
	if o.InUse != "" {
		return Backend{o.InUse, "the running agent uses it"}, nil
	}
	if o.Backend == backend.Auto {
		if in := backend.InForce(ctx, n.ChainName); in != "" {
			return Backend{in, "the agent's rules are there"}, nil
		}
	}
	choice, err := backend.Detect(ctx, backend.Query{
		Prefer: o.Backend, Chain: n.ChainName, Families: n.families(), ToPorts: len(o.Masq.ToPorts) > 0,
	})
	return Backend{choice.Backend, choice.Reason}, err
}

// host reads the state of the kernel besides its rules.
func (n *Node) host() {
	n.Forwards, _, n.ForwardingErr = host.ForwardsIPv6()
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		n.IPv6Address = n.IPv6Address || err == nil && p.Addr().Is6() && p.Addr().IsGlobalUnicast()
	}
	process := "/proc/self"
	if n.Root != "" {
		process = filepath.Dir(n.Root) // the agent's
	}
	mounts, err := os.ReadFile(filepath.Join(process, "mountinfo"))
	n.Mounts, n.MountsErr = string(mounts), err
}

// readConnections reads the conntrack entries of the families that the agent
// manages, with the routes to their addresses, and the eBPF programs.
func (n *Node) readConnections() {
	routes, err := host.OpenRoutes()
	if err != nil {
		n.FlowsErr, n.EBPFErr = err, err
		return
	}
	defer routes.Close()
	n.EBPF, n.EBPFErr = ebpfOf(routes, n.families())
	counts := map[Flow]int{}
	for _, f := range n.families() {
		flows, err := host.Flows(f == netfilter.IPv6)
		n.FlowsErr = errors.Join(n.FlowsErr, err)
		for _, f := range flows {
			if f.PassedPostrouting && f.Source.IsValid() && f.DestinationAfterNAT.IsValid() {
				counts[Flow{
					Connection:  predict.Connection{Source: f.Source, Destination: f.DestinationAfterNAT, Protocol: f.Protocol},
					Masqueraded: f.SourceAfterNAT != f.Source,
					Translated:  f.DestinationAfterNAT != f.Destination,
				}]++
			}
		}
	}
	for flow, count := range counts {
		flow.Count = count
		if flow.SourceRoute, err = routes.To(flow.Source); err == nil {
			flow.Route, err = routes.Between(flow.Source, flow.Destination)
		}
		if err != nil {
			n.FlowsErr = errors.Join(n.FlowsErr, err)
			return
		}
		n.Flows = append(n.Flows, flow)
	}
}

// publicAddress returns an address on the Internet.
func publicAddress(f netfilter.Family) netip.Addr {
	if f == netfilter.IPv6 {
		return netip.MustParseAddr("2001:4860:4860::8888")
	}
	return netip.MustParseAddr("8.8.8.8")
}

// ebpfOf looks for eBPF programs on the devices of the default routes.
func ebpfOf(routes *host.Routes, families []netfilter.Family) ([]string, error) {
	var devices []netfilter.Interface
	for _, f := range families {
		r, err := routes.To(publicAddress(f))
		if err != nil {
			return nil, err
		}
		if r.Device.Index != 0 && !slices.Contains(devices, r.Device) {
			devices = append(devices, r.Device)
		}
	}
	return routes.EBPF(devices...)
}
