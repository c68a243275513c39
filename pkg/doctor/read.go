// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/conntrack"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/route"
)

// Options say how the agent of the node runs.
type Options struct {
	ConfigFile string
	Config     config.Options
	Masq       masq.Options
	Backend    string // auto, nft or legacy
}

// Read gathers what there is to know of this node. What cannot be read is in
// the Node as the error it is. It changes nothing.
func Read(ctx context.Context, o Options) Node {
	n := Node{ChainName: o.Masq.ChainName, ConfigFile: o.ConfigFile, IPv6: o.Config.IPv6}
	_, err := os.Stat(o.ConfigFile)
	n.NoFile = errors.Is(err, fs.ErrNotExist)
	n.Config, _, n.ConfigErr = config.Load(o.ConfigFile, o.Config)
	n.Backend, n.BackendErr = iptables.Detect(ctx, o.Backend, n.ChainName)
	n.Tables = Tables(ctx, o, n.Config)
	n.host()
	n.flows()
	return n
}

// Tables reads both families in every backend that is there. Both backends'
// rules are in force, and a family that is not enabled may have old ones.
func Tables(ctx context.Context, o Options, c config.Config) []Table {
	var out []Table
	for _, b := range []iptables.Backend{iptables.NFT, iptables.Legacy} {
		for _, f := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
			if !iptables.Installed(ctx, b, f) {
				continue
			}
			t := Table{Family: f, Backend: b, Want: o.Masq.Chain(f, c)}
			t.Err = t.read(ctx)
			out = append(out, t)
		}
	}
	return out
}

func (t *Table) read(ctx context.Context) error {
	r, err := iptables.NewReader(ctx, t.Family, t.Backend)
	if err != nil {
		return err
	}
	t.Want = r.Expect(t.Want)
	if t.Chains, err = r.Reachable(ctx, iptables.Postrouting); err != nil {
		return err
	}
	for _, name := range append(agentChains(), t.Want.Name) {
		if _, read := t.Chains[name]; read {
			continue
		}
		if t.Chains[name], err = r.Chain(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// host reads what lies outside iptables.
func (n *Node) host() {
	forwarding, err := os.ReadFile("/proc/sys/net/ipv6/conf/all/forwarding")
	n.Forwarding, n.ForwardingErr = string(forwarding), err
	if errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
		n.Forwarding, n.ForwardingErr = "0", nil
	}
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		n.IPv6Address = n.IPv6Address || err == nil && p.Addr().Is6() && p.Addr().IsGlobalUnicast()
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	n.Mounts, n.MountsErr = string(mounts), err
}

// flows asks conntrack for the families that the agent keeps.
func (n *Node) flows() {
	n.Flows, n.Routes = map[Flow]int{}, map[netip.Addr]route.Route{}
	families := []bool{false}
	if n.IPv6 {
		families = append(families, true)
	}
	for _, ipv6 := range families {
		err := conntrack.Each(ipv6, func(f conntrack.Flow) {
			if f.SourceDone() && f.Source.IsValid() && f.Reached.IsValid() {
				n.Flows[Flow{Source: f.Source, Reached: f.Reached, Masqueraded: f.Left != f.Source, Translated: f.Reached != f.Asked}]++
			}
		})
		n.FlowsErr = errors.Join(n.FlowsErr, err)
	}
	for flow := range n.Flows {
		for _, addr := range []netip.Addr{flow.Source, flow.Reached} {
			if _, asked := n.Routes[addr]; asked {
				continue
			}
			r, err := route.Lookup(addr)
			if err != nil {
				n.FlowsErr = errors.Join(n.FlowsErr, err)
				return
			}
			n.Routes[addr] = r
		}
	}
}

// ReadTables gathers no more than explain needs: what decides about packets.
func ReadTables(ctx context.Context, o Options, c config.Config) (*Node, error) {
	n := &Node{ChainName: o.Masq.ChainName, Config: c, IPv6: o.Config.IPv6}
	var err error
	if n.Backend, err = iptables.Detect(ctx, o.Backend, n.ChainName); err != nil {
		return nil, err
	}
	n.Tables = Tables(ctx, o, c)
	for _, t := range n.Tables {
		err = errors.Join(err, t.Err)
	}
	return n, err
}

// InForce returns a family's chains in the backend of the node, and those in
// the other backend, whose rules see what the first leave as it is.
func (n *Node) InForce(f netfilter.Family) (own masq.Chains, others []masq.Chains) {
	for _, t := range n.Tables {
		switch {
		case t.Family != f:
		case t.Backend == n.Backend.Backend:
			own = t.Chains
		default:
			others = append(others, t.Chains)
		}
	}
	return own, others
}
