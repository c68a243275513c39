// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"net/netip"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/predict"
)

// Node is what Read found.
type Node struct {
	ChainName string // of the agent
	// Root is the directory under which the agent's files are seen from here,
	// /proc/PID/root, if the agent runs in another container. Otherwise it is empty.
	Root       string
	ConfigFile string // without Root
	ConfigErr  error  // the file is invalid or unreadable
	NoFile     bool   // there is no file, so the defaults apply
	Config     config.Config
	Defaults   []netip.Prefix // which a list of the file replaces
	IPv6       bool           // the agent manages IPv6 rules
	AutoIPv6   bool           // --enable-ipv6=auto decided that
	NoAgent    bool           // no running agent was found, and no flags were given

	Backend    Backend
	BackendErr error // no usable backend
	// Missing is why the backend has no command for a family. It is empty if the
	// agent runs in another container.
	Missing map[netfilter.Family]error
	Rules   predict.Rules // at nat/postrouting, of all programs
	Unread  []predict.Unread
	Want    map[netfilter.Family]iptables.Chain // what the file asks for
	Chains  []Chain                             // of this agent and of others
	// Drift is how the table of the backend nftables differs from the file.
	Drift    map[netfilter.Family][]string
	DriftErr error

	Forwards      bool // the node forwards IPv6
	ForwardingErr error
	IPv6Address   bool // a device has an IPv6 address that is not link-local

	Mounts    string // the content of the mountinfo in /proc of the agent, or of this process
	MountsErr error

	EBPF    []string // data planes that act before netfilter
	EBPFErr error

	Flows    []Flow
	FlowsErr error
}

// Backend is where the agent has its rules.
type Backend struct {
	Name backend.Name // not backend.Auto
	Why  string
}

// Chain is an agent's chain in iptables' nat table, or an agent's table of the
// backend nftables, where Rules is nil.
type Chain struct {
	Backend backend.Name
	Family  netfilter.Family
	Name    string
	Rules   *netfilter.Chain
	Jumps   []netfilter.Rule // of POSTROUTING to the chain, in order
	// Reached means that the rules are in force: packets can reach them, from
	// POSTROUTING or in another way.
	Reached bool
}

// Flow is a group of conntrack entries that the rules treat alike.
type Flow struct {
	predict.Connection      // the destination is the one after DNAT
	Masqueraded        bool // the source address was changed
	Translated         bool // DNAT changed the destination, for example of a Service
	Count              int
}

// families returns the families that the agent manages.
func (n *Node) families() []netfilter.Family {
	if n.IPv6 {
		return netfilter.Families()
	}
	return []netfilter.Family{netfilter.IPv4}
}

// chain returns the agent's chain of a family in the backend in use, nil if there
// is none.
func (n *Node) chain(f netfilter.Family) *Chain {
	for i, c := range n.Chains {
		if c.Backend == n.Backend.Name && c.Family == f && c.Name == n.ChainName {
			return &n.Chains[i]
		}
	}
	return nil
}

// unread returns why a family's rules of a backend could not be read, nil if they
// were read.
func (n *Node) unread(b backend.Name, f netfilter.Family) error {
	for _, u := range n.Unread {
		if u.Backend == b && u.Family == f {
			return u.Err
		}
	}
	return nil
}
