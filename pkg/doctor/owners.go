// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"slices"
	"strings"

	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// owner is a program that is known to have rules at postrouting.
type owner struct {
	name     string
	is       func(netfilter.Place) bool // reports whether a rule is of the program
	severity Severity
	remedy   string
}

// owners returns the known programs. The first one that matches a rule counts.
func owners() []owner {
	comment := func(words ...string) func(netfilter.Place) bool {
		return func(p netfilter.Place) bool {
			return p.Rule != nil && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.Rule.Comment, w) })
		}
	}
	chain := func(prefixes ...string) func(netfilter.Place) bool {
		return func(p netfilter.Place) bool {
			return slices.ContainsFunc(prefixes, func(s string) bool { return strings.HasPrefix(p.Chain.Name, s) })
		}
	}
	table := func(names ...string) func(netfilter.Place) bool {
		return func(p netfilter.Place) bool { return slices.Contains(names, p.Table.Name) }
	}
	either := func(tests ...func(netfilter.Place) bool) func(netfilter.Place) bool {
		return func(p netfilter.Place) bool {
			return slices.ContainsFunc(tests, func(is func(netfilter.Place) bool) bool { return is(p) })
		}
	}
	const bridge = "none, unless pods are on that bridge; in that case "
	return []owner{
		// pkg/kubelet/dockershim/network/kubenet, removed in Kubernetes 1.24.
		{"kubenet's rule", comment("kubenet: SNAT"), Warning, "give the kubelet --non-masquerade-cidr=0.0.0.0/0, which turns the rule off, and remove it"},
		// The kubelet's own, before kubenet.
		{"the kubelet's --non-masquerade-cidr rule", comment("kubelet: SNAT"), Warning, "give the kubelet --non-masquerade-cidr=0.0.0.0/0, which turns the rule off, and remove it"},
		{"kube-proxy's rule", either(chain("KUBE-POSTROUTING"), table("kube-proxy")), Info, "none: the rule masquerades traffic to Services, which kube-proxy marks"},
		{"flannel's rule", either(comment("flanneld masq"), chain("FLANNEL-"), table("flannel-ipv4", "flannel-ipv6")), Warning, "run flanneld without --ip-masq"},
		{"a CNI plugin's ipMasq chain", either(chain("CNI-"), table("cni_plugins_masquerade")), Warning, `set "ipMasq": false in the CNI configuration (/etc/cni/net.d), and restart the pods`},
		{"Calico's natOutgoing", either(chain("cali-", "nat-cali-"), table("calico")), Warning, "set natOutgoing: false in the IPPool, so that this agent decides"},
		{"Cilium's masquerading", chain("CILIUM_"), Warning, "set enableIPv4Masquerade: false (enableIPv6Masquerade), so that this agent decides"},
		{"kindnet's masquerading", table("kindnet-ipmasq"), Warning, "configure kindnetd not to masquerade, so that this agent decides"},
		{"the AWS VPC CNI's rule", chain("AWS-SNAT-CHAIN"), Warning, "set AWS_VPC_K8S_CNI_EXTERNALSNAT=true for the aws-node DaemonSet"},
		{"firewalld's masquerading", either(table("firewalld"), chain("POST_")), Warning, "turn masquerading off in the zone: firewall-cmd --permanent --zone=ZONE --remove-masquerade"},
		{"tailscale's rule", chain("ts-postrouting"), Info, "none: the rule masquerades traffic that came through tailscale, which tailscaled marks; tailscale up --snat-subnet-routes=false turns it off"},
		{"libvirt's rule for a network", either(chain("LIBVIRT_PRT"), table("libvirt_network")), Info, bridge + "give the network forward mode route or open"},
		{"netavark's rule for a network", either(chain("NETAVARK-"), table("netavark")), Info, bridge + "use a network of podman without NAT"},
		{"Docker's rule for a bridge", either(isDocker, table("docker-bridges")), Info, bridge + "run dockerd with --ip-masq=false"},
	}
}

// isDocker reports whether a rule is one of a bridge network: for packets that do
// not leave through the bridge, in the syntax of iptables or of nft.
func isDocker(p netfilter.Place) bool {
	text := conditions(p)
	return slices.ContainsFunc([]string{"! -o docker", "! -o br-", `oifname != "docker`, `oifname != "br-`, "oifname != docker", "oifname != br-"},
		func(s string) bool { return strings.Contains(text, s) })
}

// owner returns the program of the rule, or of a rule that leads to it.
func (c *conflict) owner() (owner, bool) {
	for _, o := range owners() {
		if slices.ContainsFunc(c.path(), func(p netfilter.Place) bool { return o.is(p) }) {
			return o, true
		}
	}
	return owner{}, false
}

// who describes the rule: its program, or the chain that has it.
func (c *conflict) who() string {
	if o, ok := c.owner(); ok {
		return o.name
	}
	entry := c.entry()
	switch {
	case entry.Rule == nil && entry.Chain.Err == nil:
		return fmt.Sprintf("the policy of chain %s", entry.Chain.Name)
	case entry.Rule == nil:
		return fmt.Sprintf("chain %s, which could not be read", entry.Chain.Name)
	case !isNAT(entry.Table):
		return fmt.Sprintf("a rule of chain %s", entry.Chain.Name)
	}
	if targets := entry.Rule.Targets(); len(targets) > 0 {
		return fmt.Sprintf("chain %s", targets[0])
	}
	return fmt.Sprintf("a rule of %s", entry.Chain.Name)
}

// isNAT reports whether a table is the nat table of iptables.
func isNAT(t *netfilter.Table) bool {
	return t.Name == masq.SharedTable && (t.Family == "ip" || t.Family == "ip6")
}

// remedy returns how serious the conflict is, and what to do.
func (c *conflict) remedy() (Severity, string) {
	if o, ok := c.owner(); ok {
		return o.severity, o.remedy
	}
	return Warning, "find the program that writes the rule, and configure it; if you only delete the rule, the program may write it again"
}
