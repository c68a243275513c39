// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"bytes"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// operation is one message of a transaction.
type operation struct {
	what   string // for errors: "adding chain kept"
	kind   int    // NFT_MSG_NEWTABLE and so on
	flags  netlink.HeaderFlags
	family uint8
	attrs  []netlink.Attribute
}

// compiler turns a layout into the messages of a transaction.
type compiler struct {
	family     uint8
	operations []operation
	anonymous  uint32 // sets so far
}

func (c *compiler) add(what string, kind int, flags netlink.HeaderFlags, attrs ...netlink.Attribute) {
	c.operations = append(c.operations, operation{what, kind, flags, c.family, attrs})
}

// compile returns the transaction that replaces the table, or creates it.
// Everything else in the table is deleted.
func (l layout) compile() []operation {
	c := compiler{family: protoOf(l.family)}
	// Creating a table that exists changes nothing. It makes sure that the next
	// message finds a table to delete.
	c.add("creating the table to delete", unix.NFT_MSG_NEWTABLE, netlink.Create, attrText(unix.NFTA_TABLE_NAME, TableName))
	c.add("deleting the table", unix.NFT_MSG_DELTABLE, 0, attrText(unix.NFTA_TABLE_NAME, TableName))
	c.add("creating the table", unix.NFT_MSG_NEWTABLE, netlink.Create,
		attrText(unix.NFTA_TABLE_NAME, TableName),
		attrNumber(unix.NFTA_TABLE_FLAGS, 0),
		attrBytes(tableUserdata, userdata(userdataComment, []byte(l.comment+"\x00"))))
	for _, chain := range l.chains { // before the rules and elements that go to them
		c.chain(chain)
	}
	for _, s := range l.sets {
		c.set(s, 0)
	}
	for _, chain := range l.chains {
		for _, r := range chain.rules {
			c.rule(chain.name, r)
		}
	}
	return c.operations
}

// compile returns the transaction that exchanges elements of sets.
func (d difference) compile(f netfilter.Family) []operation {
	c := compiler{family: protoOf(f)}
	for _, s := range d.sets {
		c.elements("deleting", unix.NFT_MSG_DELSETELEM, 0, s.set, 0, s.remove)
	}
	for _, s := range d.sets {
		c.elements("adding", unix.NFT_MSG_NEWSETELEM, netlink.Create, s.set, 0, s.add)
	}
	return c.operations
}

func (c *compiler) chain(chain chainLayout) {
	attrs := []netlink.Attribute{attrText(unix.NFTA_CHAIN_TABLE, TableName), attrText(unix.NFTA_CHAIN_NAME, chain.name)}
	if chain.base {
		attrs = append(attrs,
			attrNested(unix.NFTA_CHAIN_HOOK,
				attrNumber(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_POST_ROUTING),
				attrNumber(unix.NFTA_HOOK_PRIORITY, postroutingPriority)),
			attrNumber(unix.NFTA_CHAIN_POLICY, verdictAccept),
			attrText(unix.NFTA_CHAIN_TYPE, natType))
	}
	c.add("adding chain "+chain.name, unix.NFT_MSG_NEWCHAIN, netlink.Create, attrs...)
}

// set adds a set with its elements. An anonymous set has an id.
func (c *compiler) set(s *setLayout, id uint32) {
	attrs := []netlink.Attribute{
		attrText(unix.NFTA_SET_TABLE, TableName),
		attrText(unix.NFTA_SET_NAME, s.name),
		attrNumber(unix.NFTA_SET_ID, id),
		attrNumber(unix.NFTA_SET_KEY_TYPE, uint32(s.keyType)),
		attrNumber(unix.NFTA_SET_KEY_LEN, s.keyBytes),
	}
	if s.verdicts {
		attrs = append(attrs, attrNumber(unix.NFTA_SET_DATA_TYPE, unix.NFT_DATA_VERDICT), attrNumber(unix.NFTA_SET_DATA_LEN, 0))
	}
	attrs = append(attrs, attrNumber(unix.NFTA_SET_FLAGS, s.flags()), attrBytes(unix.NFTA_SET_USERDATA, s.userdata()))
	c.add("adding set "+s.name, unix.NFT_MSG_NEWSET, netlink.Create, attrs...)
	c.elements("adding", unix.NFT_MSG_NEWSETELEM, netlink.Create, s, id, s.elements)
}

// maxElements is the maximum number of elements of one message. Their list is one
// attribute, which ends at 64 KiB; an interval of IPv6 takes about 110 bytes.
const maxElements = 200

// elements adds or deletes elements. In an anonymous set an interval has no end
// where the next one begins, as nft(8) writes it. Linux 6.12 and others answer that
// a key is in no interval if they find such an end first (nft_rbtree_lookup).
func (c *compiler) elements(what string, kind int, flags netlink.HeaderFlags, s *setLayout, id uint32, elements []elementLayout) {
	for len(elements) > 0 {
		n := min(len(elements), maxElements)
		var list []netlink.Attribute
		for i, e := range elements[:n] {
			encoded := s.encodeElement(e)
			if s.anonymous && i+1 < len(elements) && adjacent(e, elements[i+1]) {
				encoded = encoded[:1]
			}
			list = append(list, encoded...)
		}
		c.add(what+" elements of set "+s.name, kind, flags,
			attrText(unix.NFTA_SET_ELEM_LIST_TABLE, TableName),
			attrText(unix.NFTA_SET_ELEM_LIST_SET, s.name),
			attrNumber(unix.NFTA_SET_ELEM_LIST_SET_ID, id),
			attrNested(unix.NFTA_SET_ELEM_LIST_ELEMENTS, list...))
		elements = elements[n:]
	}
}

// encodeElement returns an element in the form of the kernel: an interval is one
// element for its first key and one, with a flag, for the key after its last. The
// latter is left out if there is no such key.
func (s *setLayout) encodeElement(e elementLayout) []netlink.Attribute {
	start := []netlink.Attribute{attrNested(unix.NFTA_SET_ELEM_KEY, attrBytes(unix.NFTA_DATA_VALUE, e.from))}
	if s.verdicts {
		code := int32(unix.NFT_GOTO)
		if e.verdict.Action == netfilter.Jump {
			code = unix.NFT_JUMP
		}
		start = append(start, attrNested(unix.NFTA_SET_ELEM_DATA, verdictData(code, e.verdict.Chain)))
	}
	after, open := next(e.to)
	if s.interval && open {
		start = append(start, attrBytes(unix.NFTA_SET_ELEM_USERDATA, userdata(userdataElementFlags, elementOpen())))
	}
	out := []netlink.Attribute{attrNested(unix.NFTA_LIST_ELEM, start...)}
	if s.interval && !open {
		out = append(out, attrNested(unix.NFTA_LIST_ELEM,
			attrNested(unix.NFTA_SET_ELEM_KEY, attrBytes(unix.NFTA_DATA_VALUE, after)),
			attrNumber(unix.NFTA_SET_ELEM_FLAGS, unix.NFT_SET_ELEM_INTERVAL_END)))
	}
	return out
}

// adjacent reports whether the second interval begins where the first one ends.
func adjacent(first, second elementLayout) bool {
	after, last := next(first.to)
	return !last && bytes.Equal(after, second.from)
}

// next returns key + 1. last means that key is the highest one, so there is none.
func next(key []byte) (after []byte, last bool) {
	after = netfilter.Successor(key)
	return after, bytes.Count(after, []byte{0}) == len(after)
}

// rule appends a rule, after the anonymous sets that its lookups name.
func (c *compiler) rule(chain string, r ruleLayout) {
	var list []netlink.Attribute
	for _, e := range r.expressions {
		attrs := e.attributes
		if e.set != nil {
			id := uint32(0)
			if e.set.anonymous {
				c.anonymous++
				id = c.anonymous
				c.set(e.set, id)
			}
			attrs = append([]netlink.Attribute{attrText(unix.NFTA_LOOKUP_SET, e.set.name), attrNumber(unix.NFTA_LOOKUP_SET_ID, id)}, attrs...)
		}
		list = append(list, attrNested(unix.NFTA_LIST_ELEM,
			attrText(unix.NFTA_EXPR_NAME, e.name), attrNested(unix.NFTA_EXPR_DATA, attrs...)))
	}
	attrs := []netlink.Attribute{
		attrText(unix.NFTA_RULE_TABLE, TableName),
		attrText(unix.NFTA_RULE_CHAIN, chain),
		attrNested(unix.NFTA_RULE_EXPRESSIONS, list...),
	}
	if r.comment != "" {
		attrs = append(attrs, attrBytes(unix.NFTA_RULE_USERDATA, userdata(userdataComment, []byte(r.comment+"\x00"))))
	}
	c.add("adding a rule to chain "+chain, unix.NFT_MSG_NEWRULE, netlink.Create|netlink.Append, attrs...)
}

// compileRemoval returns the transaction that deletes a family's table, which
// must exist.
func compileRemoval(f netfilter.Family) []operation {
	c := compiler{family: protoOf(f)}
	c.add("deleting the table", unix.NFT_MSG_DELTABLE, 0, attrText(unix.NFTA_TABLE_NAME, TableName))
	return c.operations
}
