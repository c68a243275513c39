// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// agent says that the flags are not those of an agent.
func agent(n Node) []Finding {
	if !n.NoAgent {
		return nil
	}
	return []Finding{{Check: "agent", Severity: Info, What: "no agent was found running here, so the default flags are assumed",
		Remedy: "run doctor in the agent's container, or give the agent's flags"}}
}

// ebpf says which data planes act before the rules do.
func ebpf(n Node) []Finding {
	switch {
	case len(n.EBPF) > 0:
		return []Finding{{Check: "ebpf", Severity: Info, What: strings.Join(n.EBPF, ", ") + " may decide about packets before any rule does",
			Consequence: "what is said here of rules does not hold for the traffic that it handles"}}
	case errors.Is(n.EBPFErr, fs.ErrPermission):
		return []Finding{{Check: "ebpf", Severity: Info, What: fmt.Sprintf("eBPF programs at tcx of the outgoing device cannot be seen from here: %v", n.EBPFErr),
			Consequence: "none, unless such a program handles the traffic of pods: it would decide before any rule does",
			Remedy:      "to see them, on the node: bpftool net"}}
	case n.EBPFErr != nil:
		return []Finding{{Check: "ebpf", Severity: Unchecked, What: fmt.Sprintf("whether an eBPF program decides before the rules do: %v", n.EBPFErr)}}
	}
	return []Finding{{Check: "ebpf", Severity: OK, What: "no eBPF program on the outgoing device decides before the rules do"}}
}

func ipv6(n Node) []Finding {
	f := Finding{Check: "ipv6", Severity: OK}
	switch {
	case n.IPv6 && n.AutoIPv6:
		f.What = "--enable-ipv6=auto has enabled IPv6"
	case n.IPv6:
		f.What = "--enable-ipv6 is on"
	case n.ForwardingErr != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("whether the node forwards IPv6: %v", n.ForwardingErr)
	case !n.Forwards && n.AutoIPv6:
		f.What = "the node does not forward IPv6, so --enable-ipv6=auto leaves IPv6 off"
	case n.AutoIPv6:
		f.Severity, f.What = Warning, "the node forwards IPv6, but the agent (--enable-ipv6=auto) has not enabled IPv6"
		f.Consequence = "pods that have IPv6 addresses leave with them to every destination"
		f.Remedy = "look in the agent's log for why; it decides again each resyncInterval"
	case !n.Forwards:
		f.What = "the node does not forward IPv6, and --enable-ipv6 is off"
	case !n.IPv6Address:
		f.Severity, f.What = Info, "the node forwards IPv6 while --enable-ipv6 is off, but has no IPv6 address itself"
	default:
		f.Severity, f.What = Warning, "the node forwards IPv6 and has an IPv6 address, while --enable-ipv6 is off"
		f.Consequence = "pods that have IPv6 addresses leave with them to every destination"
		f.Remedy = "run with --enable-ipv6, or --enable-ipv6=auto, unless the pods' IPv6 addresses are routed everywhere"
	}
	return []Finding{f}
}

// lockFile is the lock that all users of iptables-legacy share.
const lockFile = "/run/xtables.lock"

func lock(n Node) []Finding {
	f := Finding{Check: "lock", Severity: OK, What: lockFile + " is the host's"}
	switch hosts, why, err := hostsFile(n.Mounts, lockFile); {
	case n.MountsErr != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("whether %s is the host's: %v", lockFile, n.MountsErr)
	case err != nil:
		f.Severity, f.What = Unchecked, fmt.Sprintf("whether %s is the host's: %v", lockFile, err)
	case hosts:
	case n.Backend.Name != legacyBackend:
		f.Severity, f.What = Info, fmt.Sprintf("%s is not the host's (%s), and %s needs none", lockFile, why, n.Backend.Name)
	default:
		f.Severity, f.What = Warning, lockFile+" is not the host's: "+why
		f.Consequence = "iptables-legacy reads and writes whole tables: this agent and kube-proxy may undo each other's changes"
		f.Remedy = "mount the host's " + lockFile + " as the DaemonSet's manifest does"
	}
	return []Finding{f}
}

// hostsFile tells from /proc/self/mountinfo, see proc(5), whether a file is the
// host's. In a container it is if it, or a directory it lies in, is mounted from
// a place inside another filesystem: a filesystem of the container's own is
// mounted from its root. Outside a container every file is.
func hostsFile(mountinfo, path string) (hosts bool, why string, err error) {
	container, mount, at, root, kind := false, "", "", "", ""
	for line := range strings.Lines(mountinfo) {
		words := strings.Fields(line)
		_, behind, ok := strings.Cut(line, " - ")
		if len(words) < 6 || !ok {
			continue
		}
		point, of := words[4], strings.Fields(behind)
		if point == "/" && len(of) > 0 {
			container = of[0] == "overlay" || of[0] == "fuse-overlayfs" || of[0] == "aufs" || strings.Contains(words[3], "/snapshots/")
		}
		// The last of several mounts at one point covers those before.
		inside := path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
		if inside && len(point) >= len(at) && len(of) > 0 {
			mount, at, root, kind = line, point, words[3], of[0]
		}
	}
	switch {
	case mount == "":
		return false, "", fmt.Errorf("no mount has it")
	case !container:
		return true, "", nil
	case at == "/":
		return false, "it lies in the container's own root", nil
	case at != path && root == "/":
		return false, fmt.Sprintf("it lies in %s, a %s of the container's own", at, kind), nil
	}
	return true, "", nil
}
