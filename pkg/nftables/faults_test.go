// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ip-masq-agent/pkg/netfilter"
)

// kernel is a socket that answers like a kernel with one table, ip t, which has
// the base chains a and b, each with one rule.
type kernel struct {
	t          *testing.T
	generation uint32
	moves      bool                         // the generation moves with each question for it
	interrupts int                          // how many dumps of rules are interrupted
	fails      map[string]unix.Errno        // reading the rules of a chain
	rules      map[string]netlink.Attribute // the expression of a chain's rule
	dumps      int                          // of rules
	answers    []netlink.Message
}

func (k *kernel) Close() error                         { return nil }
func (k *kernel) SetDeadline(time.Time) error          { return nil }
func (k *kernel) SetReadDeadline(time.Time) error      { return nil }
func (k *kernel) SetWriteDeadline(time.Time) error     { return nil }
func (k *kernel) SendMessages([]netlink.Message) error { return errors.New("not in this test") }
func (k *kernel) Receive() ([]netlink.Message, error)  { return nil, errors.New("not in this test") }
func (k *kernel) ReceiveIter() iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		answers := k.answers
		k.answers = nil
		for _, m := range answers {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (k *kernel) Send(m netlink.Message) error {
	request, err := parseMessage(m.Data)
	if err != nil {
		return err
	}
	answer := func(flags netlink.HeaderFlags, attrs ...netlink.Attribute) {
		b, err := netlink.MarshalAttributes(attrs)
		if err != nil {
			k.t.Error(err)
		}
		k.answers = append(k.answers, netlink.Message{
			Header: netlink.Header{Type: m.Header.Type, Flags: flags, Sequence: m.Header.Sequence, PID: m.Header.PID},
			Data:   append([]byte{unix.NFPROTO_IPV4, 0, 0, 0}, b...),
		})
	}
	done := func() {
		k.answers = append(k.answers, netlink.Message{Header: netlink.Header{Type: netlink.Done, Flags: netlink.Multi, Sequence: m.Header.Sequence}, Data: make([]byte, 4)})
	}
	switch kind := int(m.Header.Type) & 0xff; kind {
	case unix.NFT_MSG_GETTABLE:
		answer(0, attrText(unix.NFTA_TABLE_NAME, "t"))
	case unix.NFT_MSG_GETCHAIN:
		for _, name := range []string{"a", "b"} {
			answer(netlink.Multi, attrText(unix.NFTA_CHAIN_TABLE, "t"), attrText(unix.NFTA_CHAIN_NAME, name), attrText(unix.NFTA_CHAIN_TYPE, "nat"),
				attrNested(unix.NFTA_CHAIN_HOOK, attrNumber(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_POST_ROUTING), attrNumber(unix.NFTA_HOOK_PRIORITY, 1<<32-5)))
		}
		done()
	case unix.NFT_MSG_GETRULE:
		chain := request.string(unix.NFTA_RULE_CHAIN)
		if errno := k.fails[chain]; errno != 0 {
			code := make([]byte, 4+unix.NLMSG_HDRLEN)
			binary.NativeEndian.PutUint32(code, uint32(-int32(errno)))
			k.answers = []netlink.Message{{Header: netlink.Header{Type: netlink.Error, Sequence: m.Header.Sequence}, Data: code}}
			return nil
		}
		flags := netlink.Multi
		if k.dumps++; k.dumps <= k.interrupts {
			flags |= netlink.DumpInterrupted
		}
		e, ok := k.rules[chain]
		if !ok {
			e = decide(verdictAccept, "")
		}
		answer(flags, attrText(unix.NFTA_RULE_TABLE, "t"), attrText(unix.NFTA_RULE_CHAIN, chain), attrNested(unix.NFTA_RULE_EXPRESSIONS, e))
		done()
	default:
		k.t.Errorf("request %d", kind)
	}
	return nil
}

// ask and close make the kernel generations.
func (k *kernel) ask() (uint32, error) {
	if k.moves {
		k.generation++
	}
	return k.generation, nil
}

func (k *kernel) close() error { return nil }

func (k *kernel) conn() *Conn { return &Conn{socket: netlink.NewConn(k, 1), generation: k} }

func TestInterruptedDumpIsRepeated(t *testing.T) {
	k := &kernel{t: t, interrupts: 1}
	rs, err := k.conn().Postrouting()
	if err != nil {
		t.Fatal(err)
	}
	a := rs.Tables[0].Chains["a"]
	if len(a.Rules) != 1 || a.Err != nil || a.Priority != -5 || k.dumps != 3 {
		t.Errorf("chain %+v after %d dumps, want 3", a, k.dumps)
	}
}

func TestRuleSetThatKeepsChanging(t *testing.T) {
	k := &kernel{t: t, moves: true}
	if _, err := k.conn().Postrouting(); !errors.Is(err, ErrChanging) || k.dumps != 2*maxReadings {
		t.Errorf("%v after %d dumps, want %d", err, k.dumps, 2*maxReadings)
	}
}

// TestOneChainFails: an error in one chain does not affect the others.
func TestOneChainFails(t *testing.T) {
	for name, k := range map[string]*kernel{
		"an error of the kernel": {fails: map[string]unix.Errno{"a": unix.ENOMEM}},
		"a malformed rule":       {rules: map[string]netlink.Attribute{"a": attrBytes(unix.NFTA_LIST_ELEM, []byte{1, 0, 1, 0})}},
	} {
		t.Run(name, func(t *testing.T) {
			k.t = t
			rs, err := k.conn().Postrouting()
			if err != nil {
				t.Fatal(err)
			}
			a, b := rs.Tables[0].Chains["a"], rs.Tables[0].Chains["b"]
			if a.Err == nil || !strings.Contains(a.Err.Error(), "chain a of table ip t") {
				t.Errorf("the error of a: %v", a.Err)
			}
			if b.Err != nil || len(b.Rules) != 1 || b.Rules[0].Steps[0].(netfilter.Verdict).Action != netfilter.Accept {
				t.Errorf("chain b: %+v", b)
			}
		})
	}
}

// TestNoNFTables: the errors of a kernel without nf_tables are ErrUnsupported.
func TestNoNFTables(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EINVAL, unix.EPROTONOSUPPORT, unix.EOPNOTSUPP} {
		if err := unsupported(errno); !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := unsupported(unix.EPERM); errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a missing capability: %v", err)
	}
}

func TestClosed(t *testing.T) {
	c := (&kernel{t: t}).conn()
	c.Close()
	if _, err := c.Generation(); !errors.Is(err, errClosed) {
		t.Errorf("%v", err)
	}
}
