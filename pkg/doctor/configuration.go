// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package doctor

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/masq"
)

func configuration(n Node) []Finding {
	f := Finding{Check: "config", Severity: OK, What: n.ConfigFile + " is valid"}
	var invalid *config.InvalidError
	switch {
	case n.NoFile:
		f.Severity, f.What = Info, "there is no file "+n.ConfigFile+", so the defaults apply"
	case errors.As(n.ConfigErr, &invalid):
		var lines []string
		for _, p := range invalid.Problems {
			lines = append(lines, p.String())
		}
		f = Finding{Check: "config", Severity: Error, What: "the agent rejects the file: " + strings.Join(lines, "; "),
			Consequence: "the last valid configuration stays in force; edits have no effect", Remedy: "correct the ConfigMap; check reports whether it is valid"}
	case n.ConfigErr != nil:
		f = Finding{Check: "config", Severity: Error, What: n.ConfigErr.Error(),
			Consequence: "the last valid configuration stays in force; edits have no effect", Remedy: "mount the ConfigMap's key config as this file"}
	default:
		return append([]Finding{f}, replacedDefaults(n)...)
	}
	return []Finding{f}
}

// replacedDefaults finds the default ranges that are masqueraded because a list
// of the file replaced them.
func replacedDefaults(n Node) []Finding {
	var replaced []netip.Prefix
	for _, p := range n.Defaults {
		if _, _, found := masq.Masqueraded(n.Config, p); found && !slices.Contains(n.Config.NonMasquerade, p) {
			replaced = append(replaced, p)
		}
	}
	if replaced == nil {
		return nil
	}
	return []Finding{{Check: "config", Severity: Info, What: "the file overrides the default " + join(replaced),
		Consequence: "traffic there leaves with the node's address", Remedy: "none, if that is meant; else add the ranges to nonMasqueradeCIDRs"}}
}
