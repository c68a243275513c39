// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"fmt"
	"strings"

	"ip-masq-agent/pkg/iptables"
)

// owner is a program that is known to masquerade, and how to know its rules.
type owner struct {
	name     string
	is       func(iptables.Entry) bool
	severity Severity
	remedy   string
}

// owners come in the order in which they are asked.
func owners() []owner {
	comment := func(words ...string) func(iptables.Entry) bool {
		return func(e iptables.Entry) bool {
			for _, w := range words {
				if strings.Contains(e.Comment, w) {
					return true
				}
			}
			return false
		}
	}
	target := func(prefixes ...string) func(iptables.Entry) bool {
		return func(e iptables.Entry) bool {
			for _, p := range prefixes {
				if strings.HasPrefix(e.Target, p) {
					return true
				}
			}
			return false
		}
	}
	return []owner{
		// pkg/kubelet/dockershim/network/kubenet, removed in Kubernetes 1.24.
		{"kubenet's rule", comment("kubenet: SNAT"), Warning, "give the kubelet --non-masquerade-cidr=0.0.0.0/0, which turns the rule off, and remove it"},
		// The kubelet's own, before kubenet.
		{"the kubelet's --non-masquerade-cidr rule", comment("kubelet: SNAT"), Warning, "give the kubelet --non-masquerade-cidr=0.0.0.0/0, which turns the rule off, and remove it"},
		{"flannel's rule", func(e iptables.Entry) bool { return comment("flanneld masq")(e) || target("FLANNEL-")(e) }, Warning, "run flanneld without --ip-masq"},
		{"a CNI plugin's ipMasq chain", target("CNI-"), Warning, `set "ipMasq": false in the CNI configuration (/etc/cni/net.d), and start the pods anew`},
		{"Calico's natOutgoing", target("cali-"), Warning, "set natOutgoing: false in the IPPool, if this agent is to decide"},
		{"Cilium's masquerading", target("CILIUM_"), Warning, "set enableIPv4Masquerade: false, if this agent is to decide"},
		{"Docker's rule for a bridge", isDocker, Info, "none, unless pods are on that bridge: then run dockerd with --ip-masq=false"},
	}
}

// isDocker knows the rule of a bridge network: what comes from its range and
// does not go to its device.
func isDocker(e iptables.Entry) bool {
	return strings.Contains(e.Conditions(), "! -o docker") || strings.Contains(e.Conditions(), "! -o br-")
}

func ownerOf(e iptables.Entry) (owner, bool) {
	for _, o := range owners() {
		if o.is(e) {
			return o, true
		}
	}
	return owner{}, false
}

func who(e iptables.Entry) string {
	if o, ok := ownerOf(e); ok {
		return o.name
	}
	if iptables.IsBuiltIn(e.Target) {
		return "a rule of POSTROUTING"
	}
	return fmt.Sprintf("chain %s", e.Target)
}

func remedy(e iptables.Entry) (Severity, string) {
	if o, ok := ownerOf(e); ok {
		return o.severity, o.remedy
	}
	return Warning, "find who writes the rule, and turn its masquerading off there; deleting the rule alone does not last"
}
