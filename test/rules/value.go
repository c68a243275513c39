// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"
)

// field returns a field of a JSON object, or nil if there is none.
func field(data any, name string) any {
	object, _ := data.(map[string]any)
	return object[name]
}

func text(data any, name string) string {
	s, _ := field(data, name).(string)
	return s
}

// texts returns a text or several. nft 1.1.7 prints a list also of one.
func texts(data any, name string) string {
	list, ok := field(data, name).([]any)
	if !ok {
		return text(data, name)
	}
	var out []string
	for _, one := range list {
		out = append(out, fmt.Sprint(one))
	}
	return strings.Join(out, " ")
}

// has reports whether a field of the packet has a value or is in a set.
func (e *evaluation) has(key, value any) (bool, error) {
	if field(value, "set") != nil || isReference(value) {
		elements, err := e.elements(value)
		for _, element := range elements {
			if matches, err := e.has(key, element); matches || err != nil {
				return matches, err
			}
		}
		return false, err
	}
	payload := field(key, "payload")
	switch {
	case payload != nil:
		return e.hasAddress(payload, value)
	case text(field(key, "meta"), "key") == "l4proto":
		protocol, ok := value.(string)
		if !ok {
			return false, fmt.Errorf("protocol %v is not understood", value)
		}
		return protocol == e.packet.protocol, nil
	case fmt.Sprint(field(key, "fib")) == "map[flags:[daddr] result:type]" && value == "local":
		return e.packet.local, nil
	}
	return false, fmt.Errorf("comparing %v with %v is not understood", key, value)
}

func isReference(value any) bool {
	s, ok := value.(string)
	return ok && len(s) > 1 && s[0] == '@'
}

func (e *evaluation) hasAddress(payload, value any) (bool, error) {
	family := "ip"
	if e.packet.destination.Is6() {
		family = "ip6"
	}
	r, err := addresses(value)
	switch {
	case err != nil:
		return false, err
	case text(payload, "protocol") == family && text(payload, "field") == "daddr":
		return r.Contains(e.packet.destination), nil
	case text(payload, "protocol") == family && text(payload, "field") == "saddr":
		return r.Contains(e.packet.source), nil
	}
	return false, fmt.Errorf("payload %v is not understood", payload)
}

// addresses returns an address, a prefix or a range of addresses.
func addresses(value any) (netipx.IPRange, error) {
	if prefix := field(value, "prefix"); prefix != nil {
		bits, _ := field(prefix, "len").(float64)
		p, err := netip.ParsePrefix(fmt.Sprintf("%s/%d", text(prefix, "addr"), int(bits)))
		return netipx.RangeOfPrefix(p), err
	}
	ends, ok := field(value, "range").([]any)
	if !ok {
		ends = []any{value, value}
	}
	from, err1 := netip.ParseAddr(fmt.Sprint(ends[0]))
	to, err2 := netip.ParseAddr(fmt.Sprint(ends[len(ends)-1]))
	return netipx.IPRangeFrom(from, to), errors.Join(err1, err2)
}

// numbers returns a number, or both ends of a range of numbers.
func numbers(value any) (from, to float64, err error) {
	ends, ok := field(value, "range").([]any)
	if !ok {
		ends = []any{value, value}
	}
	from, ok1 := ends[0].(float64)
	to, ok2 := ends[len(ends)-1].(float64)
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("%v is not a number", value)
	}
	return from, to, nil
}

// portsOf formats ports like the value of "iptables --to-ports".
func portsOf(value any) (string, error) {
	if value == nil {
		return "", nil
	}
	from, to, err := numbers(value)
	if from == to {
		return fmt.Sprint(from), err
	}
	return fmt.Sprintf("%v-%v", from, to), err
}

// ranges returns the address ranges in the sets and maps of a table.
func (t *table) ranges() []netipx.IPRange {
	var out []netipx.IPRange
	for _, s := range t.sets {
		for _, e := range s.Elem {
			if pair, ok := e.([]any); ok {
				e = pair[0] // of a map
			}
			if r, err := addresses(e); err == nil {
				out = append(out, r)
			}
		}
	}
	return out
}
