// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ip-masq-agent/pkg/backend"
	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/masq"
)

// flags is a command line, parsed: the agent's, or a verb's.
type flags struct {
	masq        masq.Options
	config      config.Options
	ipv6        ipv6Mode
	configFile  string
	httpAddress string
	backend     backend.Name
	version     bool
	isAgent     bool // not a subcommand

	// Of the verbs alone.
	operands    []string
	output      string
	pods, nodes prefixes
	strict      bool
	source      string
	live        bool
	dryRun      bool
	stay        bool

	usage  string // head of --help
	groups []group
	all    *pflag.FlagSet
}

// group is a heading of --help and the flags under it.
type group struct {
	title string
	set   *pflag.FlagSet
}

func newFlags(usage string) *flags {
	f := &flags{all: pflag.NewFlagSet("ip-masq-agent", pflag.ContinueOnError), usage: usage}
	f.all.Usage = func() {} // run prints it, where it belongs
	f.all.SortFlags = false
	return f
}

// agentFlags are those of the agent itself.
func agentFlags() *flags { return newAgentFlags((*flags).loggingFlags) }

// othersFlags are those of an agent in another process. klog keeps its settings
// for the whole process, and they are not for this one.
func othersFlags() *flags { return newAgentFlags((*flags).ignoredLoggingFlags) }

func newAgentFlags(logging func(*flags)) *flags {
	f := newFlags("ip-masq-agent decides, on a Kubernetes node, which pod traffic leaves with the\n" +
		"node's address and which keeps the pod's. It keeps one iptables chain, or one nftables\n" +
		"table, as a file says.\n\n" +
		"Usage:\n  ip-masq-agent [flags]                 run the agent\n" + verbUsage())
	f.isAgent = true
	f.ruleFlags()
	f.fileFlags()

	host := f.group("Host")
	host.StringVar(&f.httpAddress, "http-bind-address", "127.0.0.1:10292", "`address` for /healthz, /readyz and /metrics; empty turns them off")
	f.backendFlag(host, agentBackend)

	logging(f)
	other := f.group("Other")
	other.BoolVar(&f.version, "version", false, "print the version and exit")
	f.helpFlag(other)
	return f
}

func (f *flags) group(title string) *pflag.FlagSet {
	set := pflag.NewFlagSet(title, pflag.ContinueOnError)
	set.SortFlags = false
	f.groups = append(f.groups, group{title, set})
	return set
}

// parse reads the command line, and refuses what iptables must never be given.
// min and max are how many operands may stand beside the flags; max -1 is any
// number.
func (f *flags) parse(args []string, min, max int) error {
	for _, g := range f.groups {
		f.all.AddFlagSet(g.set)
	}
	if err := f.all.Parse(f.doubleDashes(args)); err != nil {
		return err
	}
	if help, _ := f.all.GetBool("help"); help {
		return pflag.ErrHelp
	}
	f.operands = f.all.Args()
	switch n := len(f.operands); {
	case f.isAgent && n > 0:
		return fmt.Errorf("unknown subcommand %q: it is one of %s", f.operands[0], verbNames())
	case max >= 0 && n > max:
		return fmt.Errorf("unexpected argument %q", f.operands[max])
	case n < min:
		return fmt.Errorf("an argument is missing")
	}
	return f.validate()
}

// doubleDashes returns args with two dashes before each long flag that has one,
// as the flags of ip-masq-agent 2.12 may have: -masq-chain=IP-MASQ. pflag would
// read it as the short flags -m, -a and so on.
func (f *flags) doubleDashes(args []string) []string {
	out := slices.Clone(args)
	for i, arg := range out {
		if arg == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if len(name) > 1 && strings.HasPrefix(arg, "-") && f.all.Lookup(name) != nil {
			out[i] = "-" + arg
		}
	}
	return out
}

// validate looks at what a flag's type does not say.
func (f *flags) validate() error {
	has := func(name string) bool { return f.all.Lookup(name) != nil }
	if has("config") && f.configFile == "" {
		return errors.New("--config: give the path of a file or a directory; while it is missing the defaults hold")
	}
	if err := iptables.CheckChainName(f.masq.ChainName); has("masq-chain") && err != nil {
		return fmt.Errorf("--masq-chain: %w", err)
	}
	if has("backend") && !slices.Contains(backend.Names(), f.backend) {
		return fmt.Errorf("--backend: %q is none of %s", f.backend, backendNames())
	}
	if f.stay && f.dryRun {
		return errors.New("--stay and --dry-run: use only one; --stay waits after rules were removed")
	}
	if has("output") && f.output != outputText && f.output != outputJSON {
		return fmt.Errorf("--output: %q is neither text nor json", f.output)
	}
	if _, err := netip.ParseAddr(f.source); f.source != "" && err != nil {
		return fmt.Errorf("--source: %q is not an IP address", f.source)
	}
	if f.httpAddress != "" {
		_, port, err := net.SplitHostPort(f.httpAddress)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err != nil {
			return fmt.Errorf("--http-bind-address: %w: write host:port, such as 127.0.0.1:10292", err)
		}
	}
	return nil
}

func (f *flags) help(w io.Writer) error {
	var b strings.Builder
	b.WriteString(f.usage)
	for _, g := range f.groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.set.FlagUsagesWrapped(100))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
