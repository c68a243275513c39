// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent_test

import (
	"net/http"
	"strings"
	"testing"

	"ip-masq-agent/test/program"
)

// TestDormantTable checks that the agent is not ready if its table is dormant:
// the base chains of a dormant table are not in force.
func TestDormantTable(t *testing.T) {
	eachNativeNode(t, "dormant", func(n nativeNode) {
		n.startRight(n.oneRange(), n.oneRangeChain())
		n.ready()
		n.nft("add table IP nat { flags dormant ; }")
		program.Eventually(n.t, func() string {
			if status, body := readyz(); status != http.StatusServiceUnavailable || !strings.Contains(body, "dormant") {
				return "ready with a dormant table: " + body
			}
			return ""
		})
		n.nft("add table IP nat")
		n.ready()
	})
	eachNativeNode(t, "dormant from the start", func(n nativeNode) {
		n.nft("add table IP nat { flags dormant ; }")
		n.startRight(n.oneRange(), n.oneRangeChain())
		program.Eventually(n.t, func() string {
			if status, body := readyz(); status != http.StatusServiceUnavailable || !strings.Contains(body, "dormant") {
				return "ready with a dormant table: " + body
			}
			return ""
		})
	})
}
