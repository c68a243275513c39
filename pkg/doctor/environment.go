// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// checkAgent reports that no running agent was found.
func checkAgent(n Node) []Finding {
	if !n.NoAgent {
		return nil
	}
	return []Finding{{Check: "agent", Severity: Info, What: "no running agent found, using the default flags",
		Remedy: "run doctor in the agent's container, or give the agent's flags"}}
}

// checkEBPF reports data planes that act before the rules do.
func checkEBPF(n Node) []Finding {
	switch {
	case len(n.EBPF) > 0:
		return []Finding{{Check: "ebpf", Severity: Info, What: strings.Join(n.EBPF, ", ") + " may decide about packets before any rule does",
			Consequence: "the findings about rules do not apply to the traffic that it handles"}}
	case errors.Is(n.EBPFErr, fs.ErrPermission):
		return []Finding{{Check: "ebpf", Severity: Info, What: fmt.Sprintf("eBPF programs at tcx of the outgoing device cannot be seen from this container: %v", n.EBPFErr),
			Consequence: "none, unless such a program handles the traffic of pods: it would decide before any rule does",
			Remedy:      "to see them, on the node: bpftool net"}}
	case n.EBPFErr != nil:
		return []Finding{{Check: "ebpf", Severity: Unchecked, What: fmt.Sprintf("cannot tell whether an eBPF program decides before the rules do: %v", n.EBPFErr)}}
	}
	return []Finding{{Check: "ebpf", Severity: OK, What: "no eBPF program on the outgoing device decides before the rules do"}}
}

// checkIPv6 reports whether the agent should manage IPv6 rules.
func checkIPv6(n Node) []Finding {
	f := Finding{Check: "ipv6", Severity: OK}
	switch {
	case n.IPv6 && n.AutoIPv6:
		f.What = "--enable-ipv6=auto has enabled IPv6"
	case n.IPv6:
		f.What = "--enable-ipv6 is on"
	case n.ForwardingErr != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("cannot tell whether the node forwards IPv6: %v", n.ForwardingErr)
	case !n.Forwards && n.AutoIPv6:
		f.What = "the node does not forward IPv6, so --enable-ipv6=auto leaves IPv6 off"
	case n.AutoIPv6:
		f.Severity, f.What = Warning, "the node forwards IPv6, but the agent (--enable-ipv6=auto) has not enabled IPv6"
		f.Consequence = "the agent does not masquerade IPv6 traffic of pods: unless other rules do, it leaves with the pods' addresses"
		f.Remedy = "read the reason in the agent's log; the agent decides again every resyncInterval"
	case !n.Forwards:
		f.What = "the node does not forward IPv6, and --enable-ipv6 is off"
	case !n.IPv6Address:
		f.Severity, f.What = Info, "the node forwards IPv6 while --enable-ipv6 is off, but has no IPv6 address itself"
	default:
		f.Severity, f.What = Warning, "the node forwards IPv6 and has an IPv6 address, while --enable-ipv6 is off"
		f.Consequence = "the agent does not masquerade IPv6 traffic of pods: unless other rules do, it leaves with the pods' addresses"
		f.Remedy = "run the agent with --enable-ipv6 or --enable-ipv6=auto, unless every destination has a route to the pods' IPv6 addresses"
	}
	return []Finding{f}
}
