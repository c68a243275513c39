// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// The backends.
const (
	iptablesNFT    = "iptables-nft"
	iptablesLegacy = "iptables-legacy"
	nftables       = "nftables"
)

// table is the NAT rules of this namespace.
type table struct {
	Backend  string
	Services int

	right sign // legacy: the sign while the chain is in force
	// onCommit is called when waitInForce sees a commit; nil for nothing.
	onCommit func()
}

// The chain of the default configuration, which all sides write.
const (
	chainRules = `:IP-MASQ - [0:0]
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 169.254.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 10.0.0.0/8 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 172.16.0.0/12 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -d 192.168.0.0/16 -j RETURN
-A IP-MASQ -m comment --comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE --random-fully
`
	jumpComment = "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain"
	jumpRule    = `POSTROUTING -m comment --comment "` + jumpComment + `" -m addrtype ! --dst-type LOCAL -j IP-MASQ` + "\n"
)

func (t *table) iptables(args ...string) (string, error) {
	return command("", t.Backend, append([]string{"-w", "5", "-t", "nat"}, args...)...)
}

func (t *table) restore(rules string) error {
	_, err := command("*nat\n"+rules+"COMMIT\n", t.kubeProxy()+"-restore", "-w", "5", "--noflush")
	return err
}

// load fills the table like kube-proxy, and finds the sign of a table with the
// chain in force.
func (t *table) load() error {
	var rules strings.Builder
	if err := writeKubeProxy(&rules, t.Services); err != nil {
		return err
	}
	body := strings.TrimSuffix(strings.TrimPrefix(rules.String(), "*nat\n"), "COMMIT\n")
	if t.Backend == nftables {
		return t.restore(body)
	}
	if err := t.restore(body + chainRules + "-A " + jumpRule); err != nil {
		return err
	}
	right, err := readSign(t.Backend)
	if err != nil {
		return err
	}
	t.right = right
	return t.clear()
}

// clear removes the chain and the jump.
func (t *table) clear() error {
	if t.Backend == nftables {
		_, err := command("", "nft", "delete", "table", "ip", "ip-masq-agent")
		return err
	}
	return t.restore(":IP-MASQ - [0:0]\n-D " + jumpRule + "-X IP-MASQ\n")
}

// inForce reports whether the chain and the jump exist. now is the current
// sign. With legacy it compares only the size of the table, because reading the
// table takes too long.
func (t *table) inForce(now sign) (bool, error) {
	switch t.Backend {
	case iptablesLegacy:
		return now == t.right, nil
	case nftables:
		return t.holdsTable()
	}
	return t.holds()
}

// kubeProxy returns the backend of the rules that are not the agent's.
func (t *table) kubeProxy() string {
	if t.Backend == nftables {
		return iptablesNFT
	}
	return t.Backend
}

// tools returns the commands of the backend that a side may start.
func (t *table) tools() []string {
	if t.Backend == nftables {
		return []string{"nft"}
	}
	return []string{t.Backend, t.Backend + "-restore", t.Backend + "-save"}
}

// holdsTable reports whether the agent's table sends packets to its verdict
// map. The agent writes the table as a whole.
func (t *table) holdsTable() (bool, error) {
	tables, err := command("", "nft", "list", "tables", "ip")
	if err != nil || !strings.Contains(tables, "ip-masq-agent") {
		return false, err
	}
	out, err := command("", "nft", "list", "chain", "ip", "ip-masq-agent", "postrouting")
	return strings.Contains(out, "vmap"), err
}

// holds reads the chain and the jump.
func (t *table) holds() (bool, error) {
	out, err := t.iptables("-S", "IP-MASQ")
	if exitedWith1(err) {
		return false, nil // the chain does not exist
	}
	if err != nil {
		return false, err
	}
	jumps, err := t.iptables("-S", "POSTROUTING")
	rules := strings.Count(out, "\n")
	return rules == strings.Count(chainRules, "\n") && strings.Contains(jumps, "-j IP-MASQ\n"), err
}

// quiet is the time without commits after which the bench runs commands of the
// backend, which would otherwise compete with those of a side.
const quiet = 50 * time.Millisecond

// waitInForce waits until the chain and the jump exist, and returns the time of
// the commit that wrote them, with a precision of about a millisecond.
func (t *table) waitInForce(from sign, patience time.Duration) (time.Time, error) {
	var at time.Time
	changed := false
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		now, err := readSign(t.Backend)
		if err != nil {
			return at, err
		}
		if now != from {
			from, at, changed = now, time.Now(), true
			if t.onCommit != nil {
				t.onCommit()
			}
		}
		if !changed || t.Backend != iptablesLegacy && time.Since(at) < quiet {
			continue
		}
		changed = false
		if there, err := t.inForce(now); there || err != nil {
			return at, err
		}
	}
	return time.Time{}, fmt.Errorf("the chain is not in force after %v", patience)
}

// flush flushes the chain. It returns the time at which that was visible, and
// the sign at that time.
func (t *table) flush() (time.Time, sign, error) {
	before, err := readSign(t.Backend)
	if err != nil {
		return time.Time{}, sign{}, err
	}
	cmd := exec.Command(t.Backend, "-w", "5", "-t", "nat", "-F", "IP-MASQ")
	if t.Backend == nftables {
		cmd = exec.Command("nft", "flush", "chain", "ip", "ip-masq-agent", "postrouting")
	}
	if err := cmd.Start(); err != nil {
		return time.Time{}, sign{}, err
	}
	at, after := time.Time{}, before
	for deadline := time.Now().Add(patience); err == nil && after == before && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		after, err = readSign(t.Backend)
		at = time.Now()
	}
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if err == nil && after == before {
		err = fmt.Errorf("flushing the chain changed nothing")
	}
	return at, after, err
}
