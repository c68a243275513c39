// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

// TestMessages has what the kernel may send and what it should not.
func TestMessages(t *testing.T) {
	message := func(kind, flags uint16, body ...byte) []byte {
		b := make([]byte, 16, 16+len(body))
		binary.NativeEndian.PutUint32(b, uint32(16+len(body)))
		binary.NativeEndian.PutUint16(b[4:], kind)
		binary.NativeEndian.PutUint16(b[6:], flags)
		return append(b, body...)
	}
	const multi = 2
	part := message(0xa06, multi, []byte("1234")...)
	done := message(3, multi, 0, 0, 0, 0)
	refusal := make([]byte, 4)
	binary.NativeEndian.PutUint32(refusal, uint32(0xffffffff)) // -EPERM
	stop := errors.New("enough")
	tests := []struct {
		name   string
		packet []byte
		fails  error // of each
		bodies int
		more   bool
		err    string
	}{
		{"one answer", message(0xa0f, 0, []byte("1234")...), nil, 1, false, ""},
		{"parts of a dump", slices.Concat(part, part), nil, 2, true, ""},
		{"the last of them", slices.Concat(part, done), nil, 1, false, ""},
		{"only the end", done, nil, 0, false, ""},
		{"refused", message(2, 0, refusal...), nil, 0, false, "the kernel refuses: operation not permitted"},
		{"refused without a reason", message(2, 0, 1), nil, 0, false, "a message of the kernel is cut off"},
		{"cut off", part[:len(part)-4], nil, 0, false, "a message of the kernel is cut off"},
		{"who asks has enough", slices.Concat(part, part), stop, 1, false, "enough"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bodies := 0
			more, err := messages(tt.packet, func(_ uint16, body []byte) error {
				bodies++
				if string(body) != "1234" {
					t.Errorf("body is %q", body)
				}
				return tt.fails
			})
			text := ""
			if err != nil {
				text = err.Error()
			}
			if diff := cmp.Diff(tt.err, text); diff != "" || bodies != tt.bodies || more != tt.more {
				t.Errorf("%d answers, more: %v; want %d, %v; error (-want +got):\n%s", bodies, more, tt.bodies, tt.more, diff)
			}
		})
	}
}

// TestAttributes walks what Attribute wrote, and stops at what is cut off.
func TestAttributes(t *testing.T) {
	b := append(Attribute(1, []byte("nat\x00")), Attribute(2|unix.NLA_F_NESTED, []byte("IP-MASQ"))...)
	want := []string{"1 nat\x00", "2 IP-MASQ"}
	for cut := range len(b) + 1 {
		var got []string
		Attributes(b[:cut], func(kind uint16, value []byte) { got = append(got, fmt.Sprintf("%d %s", kind, value)) })
		whole := 0
		if cut >= 8 {
			whole = 1
		}
		if cut >= 8+11 { // its padding may be missing
			whole = 2
		}
		if diff := cmp.Diff(want[:whole], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("cut at %d (-want +got):\n%s", cut, diff)
		}
	}
}

// TestAsk asks the kernel for its links, of which every namespace has one, and
// for what it does not know.
func TestAsk(t *testing.T) {
	links := 0
	err := Ask(Question{Protocol: unix.NETLINK_ROUTE, Kind: unix.RTM_GETLINK, Dump: true, Header: make([]byte, unix.SizeofIfInfomsg)},
		func(kind uint16, _ []byte) error {
			if kind == unix.RTM_NEWLINK {
				links++
			}
			return nil
		})
	if err != nil || links == 0 {
		t.Errorf("%d links, %v", links, err)
	}
	unknown := Attribute(unix.RTA_DST, []byte{192, 0, 2})
	err = Ask(Question{Protocol: unix.NETLINK_ROUTE, Kind: unix.RTM_GETROUTE, Header: make([]byte, unix.SizeofRtMsg), Attributes: unknown},
		func(uint16, []byte) error { return nil })
	var errno unix.Errno
	if !errors.As(err, &errno) {
		t.Errorf("the error is %v, want one of the kernel's", err)
	}
}
