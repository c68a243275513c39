// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// packetsQuestion asks what a chain costs a new connection from a pod to the
// outside. NAT is decided on the first packet of a connection, so that is the
// only one that meets the chain.
type packetsQuestion struct {
	Plan    plan
	Backend string
}

// packetsAnswer has the time that one connection took, by round, for a chain of
// that many CIDRs. Each connection meets all of them, and is then masqueraded.
type packetsAnswer map[int][]time.Duration

// noRule is a chain that is empty: its connections keep their address.
const noRule = -1

func measurePackets(q packetsQuestion) (packetsAnswer, error) {
	pod, outside, err := network()
	if err != nil {
		return nil, err
	}
	defer pod.close()
	defer outside.close()
	t := table{Backend: q.Backend}
	if err := t.load(); err != nil {
		return nil, err
	}
	if err := t.restore(chainRules + "-A " + jumpRule); err != nil {
		return nil, err
	}
	order := append([]int{noRule, 0}, q.Plan.CIDRs...)
	a := packetsAnswer{}
	for i := range q.Plan.PacketRounds + 1 {
		for _, cidrs := range order {
			took, err := connect(&t, pod, outside, cidrs, q.Plan.Connections)
			if err != nil {
				return nil, err
			}
			if i > 0 { // the first round warms up
				a[cidrs] = append(a[cidrs], took/time.Duration(q.Plan.Connections))
			}
		}
		order = slices.Concat(order[1:], order[:1])
	}
	return a, nil
}

// connect makes n new connections from the pod through a chain, and checks that
// all of them got out, and that they met the rules which they should.
func connect(t *table, pod, outside *host, cidrs, n int) (time.Duration, error) {
	rules := ":IP-MASQ - [0:0]\n"
	if cidrs != noRule {
		rules = longChain(cidrs)
	}
	if err := t.restore(rules); err != nil {
		return 0, err
	}
	if err := forgetConnections(); err != nil {
		return 0, err
	}
	before, err := outside.received()
	if err != nil {
		return 0, err
	}
	took, err := pod.send(n)
	if err != nil {
		return 0, err
	}
	after, err := outside.received()
	if err != nil {
		return 0, err
	}
	listing, err := t.iptables("-v", "-S", "IP-MASQ")
	if err != nil {
		return 0, err
	}
	masqueraded := ""
	if found := regexp.MustCompile(`-c (\d+) \d+ -j MASQUERADE`).FindStringSubmatch(listing); found != nil {
		masqueraded = found[1]
	}
	if after-before < n || cidrs != noRule && masqueraded != strconv.Itoa(n) {
		return 0, fmt.Errorf("of %d connections through %d CIDRs %d got out, and %q were masqueraded", n, cidrs, after-before, masqueraded)
	}
	return took, nil
}

// network makes this namespace the node between a pod and the outside.
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
	// What is sent goes beyond the outside host, which is no router and drops it.
	outside, err = newHost("outside", "192.0.2.1/24", "address add 192.0.2.2/24 dev eth0")
	if err != nil {
		return nil, nil, err
	}
	return pod, outside, ip("route add 198.51.100.0/24 via 192.0.2.2")
}

// received is how many packets the host's device took in so far.
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
