// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// restore runs iptables-restore, which applies all of the input or nothing.
func (n *NAT) restore(ctx context.Context, input string) error {
	args := []string{"--noflush"}
	if n.hasRandomFully {
		args = append(args, "-w", strconv.Itoa(lockWait))
	}
	if _, err := run(ctx, input, n.path+"-restore", args...); err != nil {
		return fmt.Errorf("restoring %s rules: %w%s", n.family, unsupported(err), failedLine(err, input)+needs(err))
	}
	return nil
}

// needs returns what iptables-legacy needs if it could not open the table, because
// its own message does not say so.
func needs(err error) string {
	if text := err.Error(); !strings.Contains(text, "unable to initialize table") && !strings.Contains(text, "Permission denied") {
		return ""
	}
	return ": iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, and the kernel modules of its nat table"
}

// failedLine returns the line of input that an error of iptables-restore names,
// as "line 3 failed" or "Error occurred at line: 3".
func failedLine(err error, input string) string {
	found := regexp.MustCompile(`line:? (\d+)`).FindStringSubmatch(err.Error())
	if found == nil {
		return ""
	}
	n, _ := strconv.Atoi(found[1])
	lines := strings.Split(input, "\n")
	if n < 1 || n > len(lines) || lines[n-1] == "" {
		return ""
	}
	return fmt.Sprintf(" (line %d is %q)", n, lines[n-1])
}
