// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package masq

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ip-masq-agent/pkg/config"
	"ip-masq-agent/pkg/iptables"
	"ip-masq-agent/pkg/netfilter"
)

// TestLongestPrefixDecides compares the chain, walked as the kernel walks it,
// with a longest-prefix match that knows nothing of rules or their order, for
// the destinations at and around every boundary of random lists.
func TestLongestPrefixDecides(t *testing.T) {
	const rounds = 400
	random := rand.New(rand.NewPCG(1, 2)) // the same lists each time
	for _, family := range []netfilter.Family{netfilter.IPv4, netfilter.IPv6} {
		t.Run(family.String(), func(t *testing.T) {
			asked := 0
			for range rounds {
				c := randomConfig(random, family)
				rules := Options{ChainName: "IP-MASQ"}.Chain(family, c).Rules
				for _, src := range sourcesToAsk(family, c) {
					for _, dst := range boundaries(family, c) {
						rule, ok := Decide(rules, src, dst)
						want := isSource(c, src) && longest(family, c, dst)
						if got := ok && rule.Target == iptables.Masquerade; got != want || !ok && len(c.Source) == 0 {
							t.Fatalf("%s from %s matches %q, masqueraded should be %v, with %+v", dst, src, rule, want, c)
						}
						asked++
					}
				}
			}
			if asked < 5000 {
				t.Errorf("only %d destinations were asked for", asked)
			}
		})
	}
}

// longest is the reference: the longest of all ranges that have dst decides,
// and a range of the file weighs more than link-local of the same length.
func longest(f netfilter.Family, c config.Config, dst netip.Addr) (masquerade bool) {
	bits := -1
	masquerade = true // what no range has
	consider := func(p netip.Prefix, verdict bool) {
		if p.Contains(dst) && p.Bits() > bits {
			bits, masquerade = p.Bits(), verdict
		}
	}
	for _, p := range c.Masquerade {
		consider(p, true)
	}
	for _, p := range c.NonMasquerade {
		consider(p, false)
	}
	switch {
	case f == netfilter.IPv4 && !c.MasqLinkLocal:
		consider(netip.MustParsePrefix("169.254.0.0/16"), false)
	case f == netfilter.IPv6 && !c.MasqLinkLocalIPv6:
		consider(netip.MustParsePrefix("fe80::/10"), false)
	}
	return masquerade
}

// isSource is the reference for sources.
func isSource(c config.Config, src netip.Addr) bool {
	for _, p := range c.Source {
		if p.Contains(src) {
			return true
		}
	}
	return len(c.Source) == 0
}

// sourcesToAsk returns the addresses at and around the boundaries of sourceCIDRs.
func sourcesToAsk(f netfilter.Family, c config.Config) []netip.Addr {
	return boundaries(f, config.Config{NonMasquerade: Sources(f, c)})
}

// randomConfig draws nested and neighbouring ranges: their addresses have few
// bits to differ in, and many lie in link-local.
func randomConfig(random *rand.Rand, f netfilter.Family) config.Config {
	c := config.Config{MasqLinkLocal: random.IntN(3) == 0, MasqLinkLocalIPv6: random.IntN(3) == 0}
	used := map[netip.Prefix]bool{}
	for range random.IntN(12) {
		p := randomPrefix(random, f)
		if used[p] { // the same network in both lists is refused
			continue
		}
		used[p] = true
		if random.IntN(2) == 0 {
			c.NonMasquerade = append(c.NonMasquerade, p)
		} else {
			c.Masquerade = append(c.Masquerade, p)
		}
	}
	for range max(0, random.IntN(6)-2) { // none in half of the cases
		other := netfilter.IPv4
		if f == netfilter.IPv4 {
			other = netfilter.IPv6
		}
		if p := randomPrefix(random, []netfilter.Family{f, f, other}[random.IntN(3)]); !slices.Contains(c.Source, p) {
			c.Source = append(c.Source, p)
		}
	}
	return c
}

func randomPrefix(random *rand.Rand, f netfilter.Family) netip.Prefix {
	if f == netfilter.IPv4 {
		address := [4]byte{10, byte(random.IntN(4)), byte(random.IntN(2) * 128), byte(random.IntN(4))}
		if random.IntN(2) == 0 {
			address[0], address[1] = 169, byte(252+random.IntN(4))
		}
		return netip.PrefixFrom(netip.AddrFrom4(address), random.IntN(33)).Masked()
	}
	var address [16]byte
	address[0], address[1] = 0xfe, byte(0x40*random.IntN(4))
	address[15] = byte(random.IntN(4))
	return netip.PrefixFrom(netip.AddrFrom16(address), random.IntN(129)).Masked()
}

// boundaries returns the first and last address of each range, and those
// before and behind.
func boundaries(f netfilter.Family, c config.Config) []netip.Addr {
	out := []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("169.254.169.254")}
	if f == netfilter.IPv6 {
		out = []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1")}
	}
	for _, p := range slices.Concat(c.NonMasquerade, c.Masquerade) {
		last := lastOf(p)
		for _, a := range []netip.Addr{p.Addr().Prev(), p.Addr(), p.Addr().Next(), last.Prev(), last, last.Next()} {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	return out
}

func lastOf(p netip.Prefix) netip.Addr {
	if p.Addr().Is4() {
		a := p.Addr().As4()
		binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])|uint32(uint64(1)<<(32-p.Bits())-1))
		return netip.AddrFrom4(a)
	}
	a := p.Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		a[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom16(a)
}
