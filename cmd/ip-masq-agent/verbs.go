// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// verb is a command beside the agent itself.
type verb struct {
	name     string
	operands string // for --help
	min, max int    // how many operands; max -1 is any number
	does     string // in a line
	about    string // in a paragraph
	flags    func(*flags)
	run      func(ctx context.Context, f *flags, stdout io.Writer) error
}

// verbs lists them. Each prints what it found, for people or as JSON, and ends
// with status 1 if that calls for action.
func verbs() []verb {
	return []verb{
		{"check", "FILE...", 1, -1, "say what is wrong with a file, or the chain it makes", checkAbout, checkFlags, runCheck},
		{"explain", "DESTINATION...", 1, -1, "say with whose address a connection leaves, and why", explainAbout, explainFlags, runExplain},
		{"doctor", "", 0, 0, "say what is wrong on this node", doctorAbout, doctorFlags, runDoctor},
		{"cleanup", "", 0, 0, "remove the chain and the jump to it from this node", cleanupAbout, cleanupFlags, runCleanup},
	}
}

// findVerb returns the verb of a command line; flags alone have none.
func findVerb(args []string) (verb, bool) {
	if len(args) == 0 {
		return verb{}, false
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			return v, true
		}
	}
	return verb{}, false
}

func (v verb) newFlags() *flags {
	usage := strings.TrimSpace("ip-masq-agent " + v.name + " [flags] " + v.operands)
	f := newFlags(v.about + "\n\nUsage:\n  " + usage + "\n\nExit status: 0 fine, 1 something was found or failed, 2 usage.\n")
	v.flags(f)
	f.outputFlags()
	return f
}

// verbNames lists the subcommands for a message.
func verbNames() string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return strings.Join(names, ", ")
}

// verbUsage is the verbs' part of the agent's --help.
func verbUsage() string {
	var b strings.Builder
	for _, v := range verbs() {
		fmt.Fprintf(&b, "  ip-masq-agent %-22s  %s\n", strings.TrimSpace(v.name+" "+v.operands), v.does)
	}
	return b.String() + "  ip-masq-agent SUBCOMMAND --help       print the flags of one of these\n"
}

// printJSON prints a value as scripts like it.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
