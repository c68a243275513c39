// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ipv6Forwarding is net.ipv6.conf.all.forwarding of this network namespace, see
// Documentation/networking/ip-sysctl.rst of Linux.
const ipv6Forwarding = "/proc/sys/net/ipv6/conf/all/forwarding"

// ForwardsIPv6 reports whether the node forwards IPv6, and says why, for people. A
// kernel without IPv6, as with ipv6.disable=1, does not.
func ForwardsIPv6() (forwards bool, why string, err error) {
	text, err := os.ReadFile(ipv6Forwarding)
	return forwardsIPv6(string(text), err)
}

func forwardsIPv6(text string, err error) (bool, string, error) {
	switch text = strings.TrimSpace(text); {
	case errors.Is(err, fs.ErrNotExist):
		return false, "the kernel has no IPv6", nil
	case err != nil:
		return false, "", fmt.Errorf("reading whether the node forwards IPv6: %w", err)
	case text == "0":
		return false, "the node does not forward IPv6 (net.ipv6.conf.all.forwarding is 0)", nil
	}
	return true, "the node forwards IPv6 (net.ipv6.conf.all.forwarding is " + text + ")", nil
}
