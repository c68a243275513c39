// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ip-masq-agent/test/netns"
)

// TestHeldLock holds the lock of iptables-legacy, as kube-proxy may do for a
// long time.
func TestHeldLock(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) {
			netns.Require(t, netns.Command("iptables-legacy", family))
			netns.Run(t, func(t *testing.T) {
				n := newNode(t, "iptables-legacy", family)
				lock := filepath.Join(t.TempDir(), "xtables.lock")
				n.env = append(n.env, "XTABLES_LOCKFILE="+lock)
				p := n.startRight(n.oneRange(), n.oneRangeChain())

				p.SkipLog()
				release := hold(t, lock)
				n.iptables("-F", "IP-MASQ") // uses another lock file than the agent
				p.WaitLog(netns.Command("iptables-legacy", family))
				if got := n.chain(); len(got) != 1 {
					t.Errorf("the agent wrote %q without the lock", got)
				}
				release()
				n.wait(n.oneRangeChain())
				p.Stop(terminate)

				// A held lock must not end the agent at its start either.
				n.iptables("-F")
				n.iptables("-X")
				release = hold(t, lock)
				p = n.start()
				p.WaitLog(netns.Command("iptables-legacy", family))
				if !p.Running() {
					t.Fatal("a held lock ended the agent")
				}
				release()
				n.wait(n.oneRangeChain())
			})
		})
	}
}

// hold takes the lock as iptables-legacy does.
func hold(t *testing.T, lock string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}
