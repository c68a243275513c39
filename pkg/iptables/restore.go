// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
		if errors.Is(err, fs.ErrNotExist) {
			n.path = "" // look for the command again
		}
		return fmt.Errorf("restoring %s rules: %w%s", n.family, unsupported(err), failedLine(err, input)+needs(err))
	}
	return nil
}

// needs returns what iptables-restore needs, because its own message does not say so.
func needs(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, fs.ErrNotExist):
		return ": the command is missing: install the package iptables"
	case strings.Contains(text, "can't open lock file"):
		return ": iptables-legacy needs the node's /run/xtables.lock: mount it as manifests/ip-masq-agent.yaml does"
	case strings.Contains(text, "holding the xtables lock"):
		return ": fuser -v /run/xtables.lock on the node shows which program holds the lock"
	case strings.Contains(text, "unable to initialize table"), strings.Contains(text, "Permission denied"):
		return ": iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, and the kernel modules of its nat table"
	}
	return ""
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
