// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"io"

	"ip-masq-agent/pkg/doctor"
	"ip-masq-agent/pkg/flags"
	"ip-masq-agent/pkg/running"
)

const doctorAbout = `doctor reports problems on this node, their effects, and how to fix them: whether
the agent's chain exists, is complete and is reached; whether other rules, another
agent or another backend masquerade traffic that the configuration does not; and
what else decides about the source address. It changes nothing. It must run in the
network namespace of the node, as the agent does. Unless a flag of Rules,
Configuration or Host is set, it uses the flags of the agent that runs on this node.`

func doctorFlags(set *flags.Set) runFunc {
	set.AddRules()
	set.AddConfiguration()
	set.AddBackend(set.Group("Host"))
	return func(ctx context.Context, stdout io.Writer) error { return runDoctor(ctx, set, stdout) }
}

// diagnosis is the JSON output of doctor.
type diagnosis struct {
	Agent    *running.Agent   `json:"agent,omitempty"` // whose flags were used
	Backend  string           `json:"backend"`
	Chain    string           `json:"chain"`
	File     string           `json:"file"`
	Findings []doctor.Finding `json:"findings"`
}

func runDoctor(ctx context.Context, set *flags.Set, stdout io.Writer) error {
	agent, err := useRunningAgent(set)
	if err != nil {
		return err
	}
	node := doctor.Read(ctx, doctorOptions(ctx, set, agent))
	findings := doctor.Examine(node)
	if set.Output == flags.JSON {
		err = printJSON(stdout, diagnosis{agent, string(node.Backend.Name), node.ChainName, node.ConfigFile, findings})
	} else {
		if agent != nil {
			printUsedFlags(stdout, set, agent)
		}
		err = doctor.Write(stdout, findings)
	}
	switch {
	case err != nil:
		return err
	case !doctor.Healthy(findings):
		return errFound
	}
	return nil
}

// doctorOptions returns the options for the running agent, which may be nil.
func doctorOptions(ctx context.Context, set *flags.Set, agent *running.Agent) doctor.Options {
	o := doctor.Options{ConfigFile: set.ConfigFile, Config: set.Config, Masq: set.Masq, Backend: set.Backend}
	o.AutoIPv6 = set.IPv6 == flags.IPv6Auto
	o.IPv6, _ = running.ManagesIPv6(ctx, set.Options, agent)
	if agent != nil {
		o.InUse, o.Root = agent.Backend(ctx), agent.Root()
	} else {
		o.NoAgent = !set.Changed(flags.AgentFlags()...)
	}
	return o
}
