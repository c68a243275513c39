// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"io"

	"ip-masq-agent/pkg/doctor"
)

const doctorAbout = `doctor looks at this node and says what is wrong, what follows from it, and what
repairs it: whether the chain is there, complete and reached; whether other rules,
another agent or another backend masquerade what it keeps; and what else decides.
It changes nothing. It must run in the node's network namespace, as the agent does.
Without flags of Rules and Configuration it takes those of the agent that runs here.`

func doctorFlags(f *flags) {
	f.ruleFlags()
	f.fileFlags()
	f.backendFlag(f.group("Host"), agentBackend)
}

// diagnosis is the JSON of doctor.
type diagnosis struct {
	Agent    *runningAgent    `json:"agent,omitempty"` // whose flags were taken
	Backend  string           `json:"backend"`
	Chain    string           `json:"chain"`
	File     string           `json:"file"`
	Findings []doctor.Finding `json:"findings"`
}

func runDoctor(ctx context.Context, f *flags, stdout io.Writer) error {
	agent, err := f.adopt()
	if err != nil {
		return err
	}
	node := doctor.Read(ctx, f.doctorOptions(ctx, agent))
	findings := doctor.Examine(node)
	if f.output == outputJSON {
		d := diagnosis{agent, node.Backend.Name, node.ChainName, node.ConfigFile, findings}
		if err := printJSON(stdout, d); err != nil {
			return err
		}
	} else {
		agent.print(stdout)
		if err := doctor.Write(stdout, findings); err != nil {
			return err
		}
	}
	if !doctor.Healthy(findings) {
		return errFound
	}
	return nil
}

// doctorOptions are those of the agent that runs here, if there is one.
func (f *flags) doctorOptions(ctx context.Context, agent *runningAgent) doctor.Options {
	o := doctor.Options{ConfigFile: f.configFile, Config: f.config, Masq: f.masq, Backend: string(f.backend)}
	o.AutoIPv6 = f.ipv6 == ipv6Auto
	o.IPv6, _ = f.managesIPv6(ctx, agent)
	if agent != nil {
		o.InUse = agent.backend(ctx)
	} else {
		o.NoAgent = !f.agentFlagsGiven()
	}
	return o
}
