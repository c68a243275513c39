// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package daemonset_test

import (
	"net/netip"
	"os"
	"testing"

	"sigs.k8s.io/yaml"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

// envKind is the kind of node that make vm runs the test on: full, with all
// netfilter modules, or el10, without x_tables, like the cloud images of RHEL
// 10. It is not set outside of make vm.
const envKind = "IP_MASQ_AGENT_TEST_NODE"

const (
	node    = "192.0.2.1"   // the address of the node
	pod     = "10.244.1.2"  // the address of the pod
	public  = "203.0.113.7" // in none of the default nonMasqueradeCIDRs
	private = "10.9.0.9"    // in 10.0.0.0/8
)

// TestEgress checks the egress of a pod: a public address sees the node's
// address, and a private address sees the pod's.
func TestEgress(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		inPod := newNode(t)
		waitSource(t, inPod, public, pod) // without the agent
		agent := program.Start(t, program.Command(nil, arguments(t)...))
		waitSource(t, inPod, public, node)
		waitSource(t, inPod, private, pod)

		switch kind := os.Getenv(envKind); kind {
		case "full":
			agent.WaitLog(`backend="iptables-nft"`, `reason="`)
		case "el10":
			agent.WaitLog(`backend="nftables"`, `reason="the kernel lacks xt_`)
		case "":
		default:
			t.Errorf("%s is %q, want full or el10", envKind, kind)
		}
	})
}

// arguments returns the arguments of the container in the manifest.
func arguments(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../manifests/ip-masq-agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var daemonSet struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Args []string }
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &daemonSet); err != nil {
		t.Fatal(err)
	}
	containers := daemonSet.Spec.Template.Spec.Containers
	if len(containers) != 1 || len(containers[0].Args) == 0 {
		t.Fatalf("the manifest has %d containers, want one with arguments", len(containers))
	}
	return containers[0].Args
}

// newNode makes this namespace a node with a pod, and a network outside. It
// returns the namespace of the pod.
//
//	pod eth0 -- pod0 node out0 -- eth0 outside
func newNode(t *testing.T) *netns.NS {
	t.Helper()
	here, inPod, outside := netns.Here(t), netns.New(t), netns.New(t)
	here.Forward(t)
	netns.Connect(t, here, "pod0", inPod, "eth0")
	here.Address(t, "pod0", "10.244.1.1/24")
	inPod.Address(t, "eth0", pod+"/24")
	inPod.Route(t, "default", "10.244.1.1")

	netns.Connect(t, here, "out0", outside, "eth0")
	here.Address(t, "out0", node+"/24")
	outside.Address(t, "eth0", "192.0.2.2/24", public+"/32", private+"/32")
	outside.Route(t, "10.244.1.0/24", node)
	here.Route(t, public+"/32", "192.0.2.2")
	here.Route(t, private+"/32", "192.0.2.2")
	netns.Serve(t, outside, ":8080")
	return inPod
}

// waitSource waits until destination sees source as the source of the pod's new
// connections.
func waitSource(t *testing.T, inPod *netns.NS, destination, source string) {
	t.Helper()
	want := netip.MustParseAddr(source)
	program.Eventually(t, func() string {
		got, err := netns.Dial(inPod, destination+":8080")
		if err != nil {
			return err.Error()
		}
		if got.Addr() != want {
			return destination + " sees " + got.Addr().String() + ", want " + source
		}
		return ""
	})
}
