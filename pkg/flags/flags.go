// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package flags parses and validates the command lines of the agent and of its
// subcommands.
//
// A [Set] has the flags of one command, in the groups that --help prints. Its
// methods Add… add the flags that several commands share.
package flags

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// ErrHelp is returned by [Set.Parse] if --help is set.
var ErrHelp = pflag.ErrHelp

// Set is a command line.
type Set struct {
	Options          // of the agent
	Output  string   // the value of --output
	Version bool     // the value of --version
	Args    []string // the arguments that are not flags

	usage  string // the part of --help before the flags
	groups []group
	all    *pflag.FlagSet
	checks []func() error // run after parsing
}

// group is a heading of --help with its flags.
type group struct {
	title string
	flags *pflag.FlagSet
}

// New returns a Set without flags. --help prints usage before the flags.
func New(usage string) *Set {
	s := &Set{usage: usage, all: pflag.NewFlagSet("ip-masq-agent", pflag.ContinueOnError)}
	s.all.Usage = func() {} // the caller prints the help
	s.all.SortFlags = false
	return s
}

// NewAgent returns the Set of the agent.
func NewAgent(usage string) *Set { return newAgent(usage, (*Set).addLogging) }

// NewOtherAgent returns the Set of an agent in another process. The flags of klog
// are parsed, but have no effect on this process.
func NewOtherAgent() *Set { return newAgent("", (*Set).addIgnoredLogging) }

func newAgent(usage string, addLogging func(*Set)) *Set {
	s := New(usage)
	s.AddRules()
	s.AddConfiguration()
	host := s.Group("Host")
	s.addHTTPAddress(host)
	s.AddBackend(host)
	addLogging(s)
	other := s.Group("Other")
	other.BoolVar(&s.Version, "version", false, "print the version and exit")
	s.addHelp(other)
	return s
}

// Group adds a heading, and returns the set for its flags.
func (s *Set) Group(title string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
	flags.SortFlags = false
	s.groups = append(s.groups, group{title, flags})
	return flags
}

// Check adds a check that runs after the flags are parsed.
func (s *Set) Check(check func() error) { s.checks = append(s.checks, check) }

// Parse parses and validates a command line. The error names the flag.
func (s *Set) Parse(args []string) error {
	for _, g := range s.groups {
		s.all.AddFlagSet(g.flags)
	}
	if err := s.all.Parse(s.doubleDashes(args)); err != nil {
		return describe(err)
	}
	if help, _ := s.all.GetBool("help"); help {
		return ErrHelp
	}
	s.Args = s.all.Args()
	for _, check := range s.checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// Changed reports whether one of the named flags is set on the command line.
func (s *Set) Changed(names ...string) bool { return slices.ContainsFunc(names, s.all.Changed) }

// Help prints the usage and all flags.
func (s *Set) Help(w io.Writer) error {
	var b strings.Builder
	b.WriteString(s.usage)
	for _, g := range s.groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(100))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// doubleDashes returns args with a second dash before long flags that have one, as
// those of ip-masq-agent 2.12 may have: -masq-chain=IP-MASQ. pflag would parse them
// as the short flags -m, -a and so on.
func (s *Set) doubleDashes(args []string) []string {
	out := slices.Clone(args)
	for i, arg := range out {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(arg, "-") && s.all.Lookup(name) != nil {
			out[i] = "-" + arg
		}
	}
	return out
}

// describe rewrites the error of an invalid value in the form of the other errors.
func describe(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	name, value, cause := invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap()
	var number *strconv.NumError
	switch {
	case errors.As(cause, &number) && errors.Is(number, strconv.ErrRange):
		cause = fmt.Errorf("%q is too large or too small", value)
	case errors.As(cause, &number):
		cause = fmt.Errorf("%q is not a whole number", value)
	case cause.Error() == "parse error": // of a flag of the package flag, which keeps the reason to itself
		cause = fmt.Errorf("%q is not a valid value", value)
	case !strings.Contains(cause.Error(), strconv.Quote(value)):
		cause = fmt.Errorf("%q: %w", value, cause)
	}
	return fmt.Errorf("--%s: %w", name, cause)
}
