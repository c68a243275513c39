// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// The names in the table. "masquerade" is a keyword of nft and cannot be one.
const (
	destinationsMap   = "destinations"
	sourcesSet        = "sources"
	postroutingChain  = "postrouting"
	keepChain         = "kept"
	masqueradeChain   = "masq"
	portsChainPrefix  = "ports"
	tableComment      = "managed by ip-masq-agent, which reverts any change"
	destinationsNote  = "the ranges of the configuration and link-local, flattened: the longest prefix decides"
	localNote         = "ip-masq-agent: addresses of this node are not subject to MASQUERADE"
	sourcesNote       = "the ranges of sourceCIDRs, joined"
	otherSourcesNote  = "ip-masq-agent: all other sources are not subject to MASQUERADE"
	rangesNote        = "ip-masq-agent: ranges of the configuration"
	otherNote         = "ip-masq-agent: all other destinations are subject to MASQUERADE"
	keepNote          = "ip-masq-agent: local traffic is not subject to MASQUERADE"
	countNote         = "ip-masq-agent: outbound traffic is subject to MASQUERADE"
	sharesNote        = "ip-masq-agent: each range of --to-ports gets its share of the connections"
	masqueradeNote    = "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	postroutingHeader = "type nat hook postrouting priority srcnat + 5; policy accept;"
	// postroutingPriority is after iptables' POSTROUTING, at srcnat (100), where
	// the jump of the iptables backends is the last rule.
	postroutingPriority = 105
)

// layout is a table as nft(8) lists it. Each part has its encoding and its text
// side by side.
type layout struct {
	family  netfilter.Family
	comment string
	sets    []*setLayout // the named ones
	chains  []chainLayout
}

// chainLayout is a chain with its rules.
type chainLayout struct {
	name  string
	base  bool // at nat/postrouting
	rules []ruleLayout
}

// ruleLayout is a rule: its text as nft(8) prints it, without the comment, and its
// expressions in the kernel.
type ruleLayout struct {
	text        string
	comment     string
	expressions []expr
}

// layout returns the table that does what the Spec says.
func (s Spec) layout() layout {
	destinations := s.destinations()
	l := layout{family: s.Family, comment: tableComment, sets: []*setLayout{destinations}}
	base := []ruleLayout{{
		text:    "fib daddr type local accept",
		comment: localNote,
		expressions: []expr{
			exprFibDestinationType(),
			exprCompareEqual(binary.NativeEndian.AppendUint32(nil, netfilter.TypeLocal)),
			exprAccept(),
		},
	}}
	if s.OnlySources {
		sources := s.sources()
		l.sets = append(l.sets, sources)
		base = append(base, ruleLayout{
			text:        fmt.Sprintf("%s saddr != @%s goto %s", s.Family.NFT(), sourcesSet, keepChain),
			comment:     otherSourcesNote,
			expressions: []expr{exprPayloadSource(s.Family), exprLookupNot(sources), exprGoto(keepChain)},
		})
	}
	base = append(base,
		ruleLayout{
			text:        fmt.Sprintf("%s daddr vmap @%s", s.Family.NFT(), destinationsMap),
			comment:     rangesNote,
			expressions: []expr{exprPayloadDestination(s.Family), exprLookup(destinations)},
		},
		ruleLayout{
			text:        "goto " + masqueradeChain,
			comment:     otherNote,
			expressions: []expr{exprGoto(masqueradeChain)},
		})
	l.chains = []chainLayout{
		{name: postroutingChain, base: true, rules: base},
		{name: keepChain, rules: []ruleLayout{
			{text: "counter accept", comment: keepNote, expressions: []expr{exprCounter(), exprAccept()}},
		}},
		{name: masqueradeChain, rules: s.masqueradeRules()},
	}
	for i, r := range s.ToPorts {
		l.chains = append(l.chains, chainLayout{name: portsChain(i), rules: []ruleLayout{s.portsRule(r)}})
	}
	return l
}

// masqueradeRules returns the rules that count what is masqueraded, send
// connections with ports to one of the ranges of --to-ports, and masquerade
// the rest.
func (s Spec) masqueradeRules() []ruleLayout {
	rules := []ruleLayout{{text: "counter", comment: countNote, expressions: []expr{exprCounter()}}}
	if len(s.ToPorts) > 0 {
		shares := s.shares()
		rules = append(rules, ruleLayout{
			text:    fmt.Sprintf("meta l4proto %s numgen random mod %d vmap %s", transportText, s.portCount(), shares.inline()),
			comment: sharesNote,
			expressions: []expr{
				exprMetaL4Proto(), exprLookup(transports()),
				exprNumgenRandom(s.portCount()), exprByteorderHTON(), exprLookup(shares),
			},
		})
	}
	flags, text := s.masqueradeFlags()
	return append(rules, ruleLayout{text: "masquerade" + text, comment: masqueradeNote, expressions: []expr{exprMasq(flags)}})
}

// portsRule returns the rule that masquerades with one range of ports.
func (s Spec) portsRule(r netfilter.PortRange) ruleLayout {
	flags, text := s.masqueradeFlags()
	expressions := []expr{exprMetaL4Proto(), exprLookup(transports()), exprImmediatePort(unix.NFT_REG_1, r.From)}
	if r.From == r.To {
		expressions = append(expressions, exprMasqPorts(unix.NFT_REG_1, flags))
	} else {
		expressions = append(expressions, exprImmediatePort(unix.NFT_REG_2, r.To), exprMasqPorts(unix.NFT_REG_2, flags))
	}
	return ruleLayout{
		text:        fmt.Sprintf("meta l4proto %s masquerade to :%s%s", transportText, portsText(r), text),
		expressions: expressions,
	}
}

func (s Spec) masqueradeFlags() (flags uint32, text string) {
	if s.RandomFully {
		return unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY, " fully-random"
	}
	return 0, ""
}

// portCount returns the number of ports in the ranges of --to-ports.
func (s Spec) portCount() uint32 { return uint32(netfilter.Ports(s.ToPorts...)) }

func portsChain(i int) string { return fmt.Sprint(portsChainPrefix, i) }

// String returns the table in nft(8)'s language. "nft -f" of it replaces the
// table in one transaction.
func (s Spec) String() string {
	l := s.layout()
	name := fmt.Sprintf("table %s %s", l.family.NFT(), TableName)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\ndelete %s\n%s {\n\tcomment %q\n", name, name, name, l.comment)
	for _, set := range l.sets {
		set.write(&b)
	}
	for _, c := range l.chains {
		fmt.Fprintf(&b, "\n\tchain %s {\n", c.name)
		if c.base {
			fmt.Fprintf(&b, "\t\t%s\n", postroutingHeader)
		}
		for _, r := range c.rules {
			fmt.Fprintf(&b, "\t\t%s%s\n", r.text, commentText(r.comment))
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

func commentText(comment string) string {
	if comment == "" {
		return ""
	}
	return fmt.Sprintf(" comment %q", comment)
}
