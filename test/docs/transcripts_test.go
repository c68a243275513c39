// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }

// kubenet is the rule of a node whose kubelet masquerades by itself.
const kubenet = `! -d 10.0.0.0/8 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE`

// TestTranscripts runs every command that the documentation shows with its output,
// on a node with the configuration testdata/config.
func TestTranscripts(t *testing.T) {
	netns.Run(t, func(t *testing.T) {
		netns.Require(t, "iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
		agent := startAgent(t)
		config := absolute(t, "testdata/config")
		c := &console{t: t, shown: map[string]bool{}, replace: strings.NewReplacer(
			fmt.Sprintf("process %d", agent.PID()), "process 1",
			" --config="+config, "",
			config, "/etc/config/ip-masq-agent",
			os.Getenv("XTABLES_LOCKFILE"), "/run/xtables.lock",
		)}
		const exec = "kubectl -n kube-system exec $POD -- /ip-masq-agent "

		c.show("docs/configuration.md", "ip-masq-agent check exception.yaml")
		c.show("docs/configuration.md", "ip-masq-agent check --pod-cidr=10.4.0.0/14 sources.yaml")
		c.show("docs/configuration.md", "ip-masq-agent check conf.d")
		c.show("docs/configuration.md", "ip-masq-agent check typos.yaml")
		c.show("docs/backends.md", "ip-masq-agent check --backend=nftables exception.yaml")
		c.show("docs/troubleshooting.md", "ip-masq-agent check typos.yaml")
		c.show("docs/troubleshooting.md", "ip-masq-agent check --pod-cidr=10.4.0.0/14,100.64.0.0/10 --node-cidr=10.128.0.0/20 exception.yaml")

		c.show("docs/troubleshooting.md", exec+"explain 10.4.2.9 172.20.0.7")
		netns.Restore(t, "iptables-nft", "IPv4", "*nat\n-A POSTROUTING "+kubenet+"\nCOMMIT\n")
		c.show("docs/troubleshooting.md", exec+"explain --live --source=10.4.0.7 198.15.5.20")
		c.show("docs/troubleshooting.md", exec+"doctor")

		agent.Stop(syscall.SIGTERM)
		c.show("docs/uninstall.md", "ip-masq-agent cleanup")
		c.complete()
	})
}

// startAgent makes the namespace a node with a default route, whose kubelet uses
// iptables-nft, and starts the agent on it.
func startAgent(t *testing.T) *program.Process {
	t.Helper()
	node, world := netns.Here(t), netns.New(t)
	netns.Connect(t, node, "eth0", world, "eth0")
	node.Address(t, "eth0", "10.128.0.5/20")
	node.Route(t, "default", "10.128.0.1")
	node.Sysctl(t, "net/ipv4/ip_forward", "1")
	if out, err := exec.Command("iptables-nft", "-t", "mangle", "-N", "KUBE-KUBELET-CANARY").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	agent := program.Start(t, program.Command(nil, "--masq-chain=IP-MASQ", "--config="+absolute(t, "testdata/config")))
	agent.WaitLog("Synced rules")
	return agent
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
