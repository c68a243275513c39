// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package versions_test runs two versions of iptables against each other: rules
// that one wrote are read by pkg/nftables, and taken over and repaired by an
// agent whose image has the other. On a node the kubelet, kube-proxy and CNI
// plugins each bring a version of their own.
//
// The versions are Debian packages, which test/vm/suite.sh downloads and
// extracts. They run on the kernel of this machine.
package versions_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
