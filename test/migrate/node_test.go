// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package migrate_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/test/netns"
	"ip-masq-agent/test/program"
	"ip-masq-agent/test/rules"
)

// ourJump is the jump rule of this agent, as "iptables -S" prints it.
const ourJump = rules.Jump

// addresses are those of the node's pod and of three hosts outside, each in a
// network of its own. No configuration masquerades near. exception is an
// exception in the CIDR of near. Every configuration masquerades far.
type addresses struct {
	pod, near, exception, far           string
	nearRange, exceptionRange, farRange string
	bits                                string
}

func addressesOf(family string) addresses {
	if family == "IPv6" {
		return addresses{"fd01::2", "fd00:2::2", "fd00:9::2", "2001:db8::2", "fd00::/16", "fd00:9::/32", "2001:db8::/64", "/64"}
	}
	return addresses{"172.30.0.2", "10.2.0.2", "10.9.0.2", "192.0.2.2", "10.0.0.0/8", "10.9.0.0/16", "192.0.2.0/24", "/24"}
}

// node is the network namespace of this process, with a pod and a network
// outside.
type node struct {
	t               *testing.T
	backend, family string
	addresses
	podNS *netns.NS
	file  string
}

// gateway returns the node's address in the network of a host.
func gateway(host string) string { return strings.TrimSuffix(host, "2") + "1" }

func newNode(t *testing.T, backend, family string) *node {
	t.Helper()
	n := &node{t: t, backend: backend, family: family, addresses: addressesOf(family), file: filepath.Join(t.TempDir(), "config")}
	here, outside := netns.Here(t), netns.New(t)
	n.podNS = netns.New(t)
	netns.Connect(t, here, "pod", n.podNS, "eth0")
	netns.Connect(t, here, "outside", outside, "eth0")
	here.Address(t, "pod", gateway(n.pod)+n.bits)
	n.podNS.Address(t, "eth0", n.pod+n.bits)
	n.podNS.Route(t, "default", gateway(n.pod))
	for _, host := range []string{n.near, n.exception, n.far} {
		here.Address(t, "outside", gateway(host)+n.bits)
		outside.Address(t, "eth0", host+n.bits)
		netns.Serve(t, outside, netip.AddrPortFrom(netip.MustParseAddr(host), 8080).String())
	}
	outside.Route(t, "default", gateway(n.near))
	here.Forward(t)
	return n
}

// old returns a predecessor on this node that uses this chain.
func (n *node) old(chain string) predecessor { return predecessor{n.t, n.backend, n.family, chain} }

// runAgent runs this agent with the file until its rules are in force, then
// stops it. The rules stay, as those of a deleted pod do.
func (n *node) runAgent(config string, args ...string) {
	n.t.Helper()
	if err := os.WriteFile(n.file, []byte(config), 0o644); err != nil {
		n.t.Fatal(err)
	}
	args = append([]string{"--config=" + n.file, "--backend=" + n.backend}, args...)
	if n.family == "IPv6" {
		args = append(args, "--enable-ipv6")
	}
	p := program.Start(n.t, program.Command(nil, args...))
	program.WaitOK(n.t, "http://127.0.0.1:10292/readyz")
	p.Stop(os.Interrupt)
}

// cleanup runs the subcommand, which must succeed.
func (n *node) cleanup(args ...string) {
	n.t.Helper()
	if out, err := program.Command(nil, append([]string{"cleanup"}, args...)...).CombinedOutput(); err != nil {
		n.t.Fatalf("cleanup %q: %v\n%s", args, err, out)
	}
}

// jumps checks the rules of POSTROUTING.
func (n *node) jumps(want ...string) {
	n.t.Helper()
	got := slices.DeleteFunc(netns.List(n.t, n.backend, n.family, "POSTROUTING"), func(r string) bool { return !strings.HasPrefix(r, "-A") })
	if diff := cmp.Diff(want, got); diff != "" {
		n.t.Errorf("POSTROUTING (-want +got):\n%s", diff)
	}
}

// chain checks the rules of a chain.
func (n *node) chain(name string, want []string) {
	n.t.Helper()
	if diff := cmp.Diff(want, netns.List(n.t, n.backend, n.family, name)); diff != "" {
		n.t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// sees makes a connection from the pod and checks which source address the host
// sees.
func (n *node) sees(host, want string) {
	n.t.Helper()
	got, err := netns.Dial(n.podNS, netip.AddrPortFrom(netip.MustParseAddr(host), 8080).String())
	if err != nil {
		n.t.Fatal(err)
	}
	if got.Addr().String() != want {
		n.t.Errorf("%s sees %s, want %s", host, got.Addr(), want)
	}
}

// kept and masqueraded check that the host sees the address of the pod or of
// the node.
func (n *node) kept(host string)        { n.t.Helper(); n.sees(host, n.pod) }
func (n *node) masqueraded(host string) { n.t.Helper(); n.sees(host, gateway(host)) }
