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

// checkConfig reports whether the file is valid.
func checkConfig(n Node) []Finding {
	const consequence = "the agent keeps the rules that it had before; edits have no effect"
	where := ""
	if n.Root != "" {
		where = " in the agent's container"
	}
	f := Finding{Check: "config"}
	var invalid *config.InvalidError
	switch {
	case n.NoFile:
		f.Severity, f.What = Info, "there is no file "+n.ConfigFile+where+", so the defaults apply"
	case errors.As(n.ConfigErr, &invalid):
		var lines []string
		for _, p := range invalid.Problems {
			lines = append(lines, p.String())
		}
		f.Severity, f.What = Error, "the agent rejects the file"+where+": "+strings.Join(lines, "; ")
		f.Consequence, f.Remedy = consequence, "correct the ConfigMap; the subcommand check tells whether a file is valid"
	case n.ConfigErr != nil:
		f.Severity, f.What = Error, n.ConfigErr.Error()+where
		f.Consequence, f.Remedy = consequence, "mount the ConfigMap's key config as this file"
	default:
		f.Severity, f.What = OK, n.ConfigFile+where+" is valid"
		return append([]Finding{f}, replacedDefaults(&n)...)
	}
	return []Finding{f}
}

// replacedDefaults reports the default CIDRs of which a part is masqueraded because a
// list of the file replaced them.
func replacedDefaults(n *Node) []Finding {
	var replaced, parts []netip.Prefix
	for _, p := range n.Defaults {
		if part, _, found := masq.Masqueraded(n.Config, p); found && !slices.Contains(n.Config.NonMasquerade, p) {
			replaced, parts = append(replaced, p), append(parts, part)
		}
	}
	if replaced == nil {
		return nil
	}
	return []Finding{{Check: "config", Severity: Info, What: "the file overrides the default " + join(replaced),
		Consequence: "the file masquerades traffic to " + join(parts), Remedy: "none, if that is intended; otherwise add it to nonMasqueradeCIDRs"}}
}
