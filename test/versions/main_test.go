// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package versions_test tests two versions of iptables on one node.
// pkg/nftables reads rules that one version wrote, and an agent whose image has
// another version takes them over and repairs them. On a node the kubelet,
// kube-proxy and CNI plugins each have their own version.
//
// The versions are those of Debian packages, which test/vm/suite.sh downloads
// and extracts. They run on the kernel of this machine.
package versions_test

import (
	"os"
	"testing"

	"ip-masq-agent/test/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m, program.Plain)) }
