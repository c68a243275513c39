// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import "encoding/binary"

// tableUserdata is NFTA_TABLE_USERDATA, which golang.org/x/sys/unix lacks.
// Kernels before 5.10 ignore it.
const tableUserdata = 6

// Types of user data, of libnftnl's udata.h. The kernel stores user data and
// does not interpret it; nft stores comments there, and how to print sets.
const (
	userdataComment       = 0 // of a table, a chain or a rule
	userdataElementFlags  = 1
	userdataKeyByteOrder  = 0 // of a set
	userdataDataByteOrder = 1
	userdataSetComment    = 7
)

// userdata returns one entry of user data: type, length, value.
func userdata(kind byte, value []byte) []byte {
	return append([]byte{kind, byte(len(value))}, value...)
}

// elementOpen is the flag of an interval that ends with the last key there is.
func elementOpen() []byte { return binary.NativeEndian.AppendUint32(nil, 1) }

// userdata tells nft how to print the set.
func (s *setLayout) userdata() []byte {
	out := userdata(userdataKeyByteOrder, binary.NativeEndian.AppendUint32(nil, s.byteOrder))
	if s.verdicts {
		out = append(out, userdata(userdataDataByteOrder, binary.NativeEndian.AppendUint32(nil, 0))...)
	}
	if s.comment != "" {
		out = append(out, userdata(userdataSetComment, []byte(s.comment+"\x00"))...)
	}
	return out
}
