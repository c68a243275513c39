// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/test/netns"
)

// TestTableOfAnotherProcess: if another process owns a table of the agent's name, only
// that process may change it. The error says how to find the owner.
func TestTableOfAnotherProcess(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		defer own(t, flagOwner).Close()
		table := NewTable(netfilter.IPv4)
		_, err := table.Apply(t.Context(), specs()["defaults"])
		_, removal := table.Remove(t.Context())
		for what, err := range map[string]error{"Apply()": err, "Remove()": removal} {
			if !errors.Is(err, unix.EPERM) || !strings.HasSuffix(err.Error(), "nft list table ip ip-masq-agent names it after the word progname") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if different, err := table.Differences(specs()["defaults"]); err != nil || len(different) != 1 || !strings.HasPrefix(different[0], "the table has the flag owner") {
			t.Errorf("Differences() = %q, %v", different, err)
		}
		if text, err := netns.Output("nft", "list", "table", "ip", TableName); err != nil || !strings.Contains(text, "progname") {
			t.Errorf("nft list table says, %v:\n%s", err, text)
		}
	})
}

// TestTableThatOutlivedItsOwner has a table of the agent's name whose owner has
// ended. The flag persist stays, and any process may replace the table.
func TestTableThatOutlivedItsOwner(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		const flags = flagOwner | 4 // NFT_TABLE_F_PERSIST, Linux 6.9
		owner := own(t, flags)
		if err := owner.Close(); err != nil {
			t.Fatal(err)
		}
		table := NewTable(netfilter.IPv4)
		if different, err := table.Differences(specs()["defaults"]); err != nil || len(different) != 1 || different[0] != "the table has flags 0x4" {
			t.Fatalf("Differences() = %q, %v", different, err)
		}
		apply(t, table, specs()["defaults"])
	})
}

// own creates a table of the agent's name that belongs to the returned socket.
func own(t *testing.T, flags uint32) *netlink.Conn {
	t.Helper()
	c := compiler{family: unix.NFPROTO_IPV4}
	c.add("", unix.NFT_MSG_NEWTABLE, netlink.Create, attrText(unix.NFTA_TABLE_NAME, TableName), attrNumber(unix.NFTA_TABLE_FLAGS, flags))
	messages, _ := batch(c.operations)
	owner, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := owner.SendMessages(messages)
	if err != nil {
		t.Fatal(err)
	}
	if err := acknowledged(owner, c.operations, sent); errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		t.Skipf("the kernel has no table flags %#x", flags)
	} else if err != nil {
		t.Fatal(err)
	}
	return owner
}

// TestNoCapability: the error of a process without NET_ADMIN names the capability.
func TestNoCapability(t *testing.T) {
	netns.Require(t)
	netns.Run(t, func(t *testing.T) {
		runtime.LockOSThread() // the thread has the capabilities
		defer runtime.UnlockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if err := unix.Capget(&header, &caps[0]); err != nil {
			t.Fatal(err)
		}
		less := caps
		less[0].Effective &^= 1 << unix.CAP_NET_ADMIN
		if err := unix.Capset(&header, &less[0]); err != nil { // of this thread
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Capset(&header, &caps[0]); err != nil {
				t.Error(err)
			}
		}()
		if _, err := Dial(); !errors.Is(err, unix.EPERM) || !strings.HasSuffix(err.Error(), ": the process needs the capability NET_ADMIN") {
			t.Errorf("Dial(): %v", err)
		}
	})
}
