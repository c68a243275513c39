// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"ip-masq-agent/test/netns"
)

// answerOf returns a netlink message with sequence 7.
func answerOf(kind uint16, payload ...byte) []byte {
	b := make([]byte, unix.SizeofNlMsghdr)
	binary.NativeEndian.PutUint32(b, uint32(len(b)+len(payload)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[8:], 7)
	return append(b, payload...)
}

// nativeAttr returns an attribute with its header in this machine's byte order.
func nativeAttr(kind uint16, data ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, -len(b)&3)...)
}

func TestGenerationOf(t *testing.T) {
	const newgen = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN
	header := []byte{0, 0, 0, 0}
	id := nativeAttr(unix.NFTA_GEN_ID, 0, 0, 1, 2)
	name := nativeAttr(unix.NFTA_GEN_PROC_NAME, 'n', 'f', 't', 0, 0)
	eperm := binary.NativeEndian.AppendUint32(nil, ^uint32(unix.EPERM)+1)
	tests := []struct {
		name     string
		answer   []byte
		sequence uint32
		want     uint32
		err      error
	}{
		{"generation", answerOf(newgen, slices.Concat(header, id, name)...), 7, 258, nil},
		{"behind another attribute", answerOf(newgen, slices.Concat(header, name, id)...), 7, 258, nil},
		{"rejected", answerOf(unix.NLMSG_ERROR, append(eperm, make([]byte, 16)...)...), 7, 0, unix.EPERM},
		{"none", answerOf(newgen, slices.Concat(header, name)...), 7, 0, errNoGeneration},
		{"cut off in the attribute", answerOf(newgen, slices.Concat(header, id[:6])...), 7, 0, errNoGeneration},
		{"an attribute of no length", answerOf(newgen, slices.Concat(header, make([]byte, 8))...), 7, 0, errNoGeneration},
		{"cut off in the header", answerOf(newgen)[:10], 7, 0, errShort},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := generationOf(tt.answer, tt.sequence)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("generationOf() = %d, %v, want %d, %v", got, err, tt.want, tt.err)
			}
		})
	}
	if got, err := generationOf(answerOf(newgen, slices.Concat(header, id)...), 8); err == nil {
		t.Errorf("an answer to another request was accepted: %d", got)
	}
}

// TestGenerationCountsCommits compares the generation with the number of commits, and
// counts what a call allocates.
func TestGenerationCountsCommits(t *testing.T) {
	netns.Require(t, "nft")
	netns.Run(t, func(t *testing.T) {
		c, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		generation := func() uint32 {
			t.Helper()
			g, err := c.Generation()
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		before := generation()
		for i := range uint32(3) {
			nft(t, "add table ip t"+string(rune('a'+i)))
			if got := generation(); got != before+i+1 {
				t.Errorf("after %d commits the generation went from %d to %d", i+1, before, got)
			}
		}
		if got := testing.AllocsPerRun(100, func() { generation() }); got > 0 {
			t.Errorf("asking for the generation takes %v allocations, want none", got)
		}
	})
}
