// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
	"ip-masq-agent/pkg/netfilter"
)

// packetsQuestion asks what a chain costs a new connection from a pod to the
// outside. Only the first packet of a connection passes the nat table.
type packetsQuestion struct {
	Plan plan
}

// packetsAnswer has, by backend and number of CIDRs, the CPU time of a
// connection in each round. Each connection is compared with all CIDRs and then
// masqueraded.
type packetsAnswer map[string]map[int][]time.Duration

// noRule is the number of CIDRs for an empty chain, which masquerades nothing.
const noRule = -1

func measurePackets(q packetsQuestion) (packetsAnswer, error) {
	pod, outside, err := network()
	if err != nil {
		return nil, err
	}
	defer pod.close()
	defer outside.close()
	type run struct {
		backend string
		cidrs   int
	}
	var order []run
	a := packetsAnswer{}
	for _, b := range backends() {
		a[b] = map[int][]time.Duration{}
		for _, cidrs := range append([]int{noRule, 0}, q.Plan.CIDRs...) {
			order = append(order, run{b, cidrs})
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range q.Plan.PacketRounds + 1 {
		for _, r := range order {
			took, err := connect(r.backend, pod, outside, r.cidrs, q.Plan.Connections)
			if err != nil {
				return nil, err
			}
			if i > 0 { // the first round only warms up
				a[r.backend][r.cidrs] = append(a[r.backend][r.cidrs], took/time.Duration(q.Plan.Connections))
			}
		}
		// Change the order, so that the kernel's cleanup after one run does not
		// always affect the same next one.
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return a, nil
}

// connect makes n new connections from the pod through the rules of a backend.
// It checks that all of them arrive and are masqueraded or not. The production
// code of the agent writes the rules.
func connect(b string, pod, outside *host, cidrs, n int) (took time.Duration, err error) {
	ctx := context.Background()
	rules := backend.NewTable(backend.Name(b), netfilter.IPv4, masq.Options{ChainName: "IP-MASQ", RandomFully: true}, nil)
	c := config.Config{MasqLinkLocal: true, NonMasquerade: ranges(cidrs)}
	if _, err := rules.Apply(ctx, c); err != nil {
		return 0, err
	}
	t := table{Backend: b}
	defer func() { err = errors.Join(err, t.clear()) }()
	if cidrs == noRule {
		if _, _, err := t.flush(); err != nil {
			return 0, err
		}
	}
	if err := forgetConnections(); err != nil {
		return 0, err
	}
	before, err := outside.received()
	if err != nil {
		return 0, err
	}
	if took, err = pod.send(n); err != nil {
		return 0, err
	}
	after, err := outside.receives(before + n)
	if err != nil {
		return 0, err
	}
	masqueraded := uint64(n)
	if cidrs != noRule {
		report, err := rules.Apply(ctx, c) // reads the counters
		if err != nil {
			return 0, err
		}
		masqueraded = report.Traffic.Masqueraded.Packets
	}
	if after-before < n || masqueraded != uint64(n) {
		return 0, fmt.Errorf("of %d connections through %d CIDRs with %s, %d arrived and %d were masqueraded", n, cidrs, b, after-before, masqueraded)
	}
	return took, nil
}

// ranges returns n CIDRs that match no packet of the benchmark and that cannot
// be merged.
func ranges(n int) []netip.Prefix {
	var out []netip.Prefix
	for i := range max(n, 0) {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(128 + i>>7), byte(i << 1), 0}), 24))
	}
	return out
}

// network makes this namespace a node between a pod and a host outside.
func network() (pod, outside *host, err error) {
	if err := ip("link set lo up"); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return nil, nil, err
	}
	pod, err = newHost("pod", "10.244.0.1/24", "address add 10.244.0.2/24 dev eth0", "route add default via 10.244.0.1")
	if err != nil {
		return nil, nil, err
	}
	// The packets are for addresses beyond the outside host. It is not a router
	// and drops them.
	outside, err = newHost("outside", "192.0.2.1/24", "address add 192.0.2.2/24 dev eth0")
	if err != nil {
		return nil, nil, err
	}
	return pod, outside, ip("route add 198.51.100.0/24 via 192.0.2.2")
}

// receives waits until the host's device has received this many packets, and returns
// the number. On a busy machine the kernel may still be handling the last ones when
// the sender is done.
func (h *host) receives(want int) (got int, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if got, err = h.received(); err != nil || got >= want || time.Now().After(deadline) {
			return got, err
		}
	}
}

// received returns the number of packets that the host's device has received.
func (h *host) received() (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/dev", h.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "eth0:")
	words := strings.Fields(after)
	if len(words) < 2 {
		return 0, fmt.Errorf("no eth0 in %q", text)
	}
	return strconv.Atoi(words[1])
}
