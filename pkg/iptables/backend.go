// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package iptables

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"ip-masq-agent/pkg/netfilter"
)

// Backend is one of the two rule sets a Linux kernel may run, both at once if
// both are filled. Rules in the one that the rest of the node does not use are
// the classic failure of node agents: see the discussion at
// kubernetes-sigs/iptables-wrappers.
type Backend string

// The backends, by the suffix of their commands' names.
const (
	NFT    Backend = "iptables-nft"
	Legacy Backend = "iptables-legacy"
)

// Choice is the backend to use.
type Choice struct {
	Backend Backend
	Why     string // for the log
	// Leftover is the other backend, if that still holds our chain: its rules
	// are in force too.
	Leftover Backend
	// Unread is why a backend could not be looked at, nil if all could. What
	// is not seen holds nothing, as far as the choice goes.
	Unread error
}

// Detect chooses the backend that the rest of the node uses; prefer is "auto",
// or the name of the one to take. The order is that of iptables-wrappers: what
// the kubelet marked in the mangle table, then what we wrote before, then what
// plain iptables is. An error means that no usable iptables is there.
func Detect(ctx context.Context, prefer, chain string) (Choice, error) {
	var states []backendState
	var missing []error
	for _, b := range []Backend{NFT, Legacy} {
		if err := usable(ctx, b); err != nil {
			missing = append(missing, err)
			continue
		}
		states = append(states, survey(ctx, b, chain))
	}
	choice := Choice{Backend: Backend(prefer), Why: "asked for by --backend"}
	if prefer == "auto" && len(states) > 0 {
		choice = choose(states, plainBackend(ctx))
	}
	found := false
	for _, s := range states {
		choice.Unread = errors.Join(choice.Unread, s.unread)
		found = found || s.backend == choice.Backend
		if s.backend != choice.Backend && s.holdsChain {
			choice.Leftover = s.backend
		}
	}
	if !found {
		return Choice{}, fmt.Errorf("no usable iptables: %w", errors.Join(missing...))
	}
	return choice, nil
}

// usable tells what keeps a backend from being used at all: its command is
// missing, or does not even tell its version. A kernel or a capability that
// lacks is no such thing: it may come, and Apply says so until then.
func usable(ctx context.Context, b Backend) error {
	path, err := find(ctx, b, netfilter.IPv4)
	if err != nil {
		return err
	}
	_, err = run(ctx, "", path, "--version")
	return err
}

// choose picks from what the backends hold; plain is what the command iptables
// is, if there is one.
func choose(states []backendState, plain Backend) Choice {
	if len(states) == 1 {
		return Choice{Backend: states[0].backend, Why: fmt.Sprintf("only the commands of %s are there", states[0].backend)}
	}
	for _, s := range states {
		if s.hint != "" {
			return Choice{Backend: s.backend, Why: s.hint}
		}
	}
	if states[0].holdsChain != states[1].holdsChain {
		for _, s := range states {
			if s.holdsChain {
				return Choice{Backend: s.backend, Why: "its nat table already has our chain"}
			}
		}
	}
	if plain != "" {
		return Choice{Backend: plain, Why: "it is what plain iptables is"}
	}
	return Choice{Backend: states[0].backend, Why: "nothing on the node tells, and it is the newer one"}
}

// backendState is what one backend holds of interest.
type backendState struct {
	backend    Backend
	hint       string // which of the kubelet's marks is there, and where; "" for none
	holdsChain bool
	unread     error
}

// survey looks at both families, whether or not netfilter.IPv6 is enabled: the kubelet
// leaves its marks in either.
func survey(ctx context.Context, b Backend, chain string) backendState {
	s := backendState{backend: b}
	look := lookNFT
	if b == Legacy {
		look = lookLegacy
	}
	for _, f := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		path, err := find(ctx, b, f)
		if err != nil {
			continue
		}
		where := look(ctx, path, &s.unread)
		for _, mark := range []string{"KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"} {
			if table := where("mangle", mark); table != "" && s.hint == "" {
				s.hint = fmt.Sprintf("its %s %s table has %s", f, table, mark)
			}
		}
		s.holdsChain = s.holdsChain || where(natTable, chain) == natTable
	}
	return s
}

// lookNFT returns what tells whether a table has a chain: its name, or "". It
// asks for the one chain, because to save a table takes seconds where nat has
// 140,000 rules, even if it is another table.
func lookNFT(ctx context.Context, path string, unread *error) func(table, chain string) string {
	return func(table, chain string) string {
		_, err := run(ctx, "", path, "-t", table, "-S", chain)
		switch {
		case err == nil:
			return table
		case !exited(err, 1): // 1: no such chain, see NAT.list
			*unread = errors.Join(*unread, err)
		}
		return ""
	}
}

// lookLegacy returns what tells which table has a chain: the named one, or else
// any. It reads all of them, which is quick; to name one would create it.
func lookLegacy(ctx context.Context, path string, unread *error) func(table, chain string) string {
	var saved declarations
	err := runTo(ctx, &saved, "", path+"-save")
	*unread = errors.Join(*unread, err)
	return saved.where
}

// find returns the path of a backend's command: the one that names the backend,
// or else plain iptables if that is of this backend, as before 1.8. The named
// one is never a wrapper script, which would need a writable root, and of which
// one drops the standard input of its first call.
func find(ctx context.Context, b Backend, f netfilter.Family) (string, error) {
	named := b.command(f)
	path, err := exec.LookPath(named)
	if err == nil {
		return path, nil
	}
	if path, plain := plainCommand(ctx, f); plain == b {
		return path, nil
	}
	return "", fmt.Errorf("%w: install the package iptables", err)
}

// plainBackend is what the command iptables is, "" if there is none.
func plainBackend(ctx context.Context) Backend {
	_, backend := plainCommand(ctx, netfilter.IPv4)
	return backend
}

// plainCommand finds the command without a suffix, and asks it what it is:
// "iptables v1.8.9 (nf_tables)", "(legacy)", or before 1.8 nothing.
func plainCommand(ctx context.Context, f netfilter.Family) (string, Backend) {
	path, err := exec.LookPath(plainName(f))
	if err != nil {
		return "", ""
	}
	version, err := run(ctx, "", path, "--version")
	switch {
	case err != nil:
		return "", ""
	case strings.Contains(version, "nf_tables"):
		return path, NFT
	}
	return path, Legacy
}

// command returns the backend's own command for a family: iptables-nft,
// ip6tables-nft and so on, see xtables-nft(8).
func (b Backend) command(f netfilter.Family) string {
	return strings.Replace(string(b), "iptables", plainName(f), 1)
}

// plainName returns the plain name of the family's command, see iptables(8).
func plainName(f netfilter.Family) string {
	if f == netfilter.IPv6 {
		return "ip6tables"
	}
	return "iptables"
}
