// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package netfilter

// doubt returns why the condition cannot be evaluated for a packet. Call it only
// if holds returned Maybe.
func (c Condition) doubt(s state) Unknown {
	switch {
	case len(c.Key) == 0:
		return NotKnown
	case c.Uncertain:
		return OnChange
	}
	return doubtOf(c.Key, s)
}

// doubtOf returns the reason for the first operand with an unknown bit.
func doubtOf(key []Operand, s state) Unknown {
	for _, o := range key {
		if o.of(s).isKnown() {
			continue
		}
		switch o.Field {
		case Mark:
			return OnMark
		case L4Proto:
			return OnProtocol
		case OutName, OutIndex:
			return OnInterface
		case DestinationType, SourceType:
			return OnType
		case Random:
			return OnChance
		case NetworkHeader:
			return headerDoubt(o, s)
		}
		return NotKnown
	}
	return NotKnown
}

// headerDoubt returns the reason for an operand in the network header.
func headerDoubt(o Operand, s state) Unknown {
	f := s.family
	switch {
	case f == IPv4 && o.Offset == protocolOffset && o.Length == 1:
		return OnProtocol
	case o.Offset >= f.SourceOffset() && o.Offset+o.Length <= f.DestinationOffset():
		return OnSource
	}
	return OnHeader
}
