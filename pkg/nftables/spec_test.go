// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	tests := []struct {
		spec string
		want string
	}{
		{
			spec: "exceptions and ports",
			want: `table ip ip-masq-agent
delete table ip ip-masq-agent
table ip ip-masq-agent {
	comment "managed by ip-masq-agent, which reverts any change"

	map destinations {
		comment "the ranges of the configuration and link-local, flattened: the longest prefix decides"
		type ipv4_addr : verdict
		flags interval
		elements = {
			0.0.0.0/8 : goto kept,
			10.0.0.0-10.8.255.255 : goto kept,
			10.9.0.0-10.9.6.255 : goto masq,
			10.9.7.0/24 : goto kept,
			10.9.8.1 : goto masq,
			255.0.0.0/8 : goto kept
		}
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 5; policy accept;
		fib daddr type local accept comment "ip-masq-agent: addresses of this node are not subject to MASQUERADE"
		ip daddr vmap @destinations comment "ip-masq-agent: ranges of the configuration"
		goto masq comment "ip-masq-agent: all other destinations are subject to MASQUERADE"
	}

	chain kept {
		counter accept comment "ip-masq-agent: local traffic is not subject to MASQUERADE"
	}

	chain masq {
		counter comment "ip-masq-agent: outbound traffic is subject to MASQUERADE"
		meta l4proto { tcp, udp, sctp } numgen random mod 61745 vmap { 0-28975 : jump ports0, 28976-61743 : jump ports1, 61744 : jump ports2 } comment "ip-masq-agent: each range of --to-ports gets its share of the connections"
		masquerade fully-random comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	}

	chain ports0 {
		meta l4proto { tcp, udp, sctp } masquerade to :1024-29999 fully-random
	}

	chain ports1 {
		meta l4proto { tcp, udp, sctp } masquerade to :32768-65535 fully-random
	}

	chain ports2 {
		meta l4proto { tcp, udp, sctp } masquerade to :31000 fully-random
	}
}
`,
		},
		{
			spec: "sources and ports",
			want: `table ip ip-masq-agent
delete table ip ip-masq-agent
table ip ip-masq-agent {
	comment "managed by ip-masq-agent, which reverts any change"

	map destinations {
		comment "the ranges of the configuration and link-local, flattened: the longest prefix decides"
		type ipv4_addr : verdict
		flags interval
		elements = {
			10.0.0.0/8 : goto kept,
			198.51.100.7 : goto masq
		}
	}

	set sources {
		comment "the ranges of sourceCIDRs, joined"
		type ipv4_addr
		flags interval
		elements = {
			10.0.0.0/24,
			10.244.0.0-10.246.255.255,
			192.0.2.1,
			255.255.0.0/16
		}
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 5; policy accept;
		fib daddr type local accept comment "ip-masq-agent: addresses of this node are not subject to MASQUERADE"
		ip saddr != @sources goto kept comment "ip-masq-agent: all other sources are not subject to MASQUERADE"
		ip daddr vmap @destinations comment "ip-masq-agent: ranges of the configuration"
		goto masq comment "ip-masq-agent: all other destinations are subject to MASQUERADE"
	}

	chain kept {
		counter accept comment "ip-masq-agent: local traffic is not subject to MASQUERADE"
	}

	chain masq {
		counter comment "ip-masq-agent: outbound traffic is subject to MASQUERADE"
		meta l4proto { tcp, udp, sctp } numgen random mod 61744 vmap { 0-28975 : jump ports0, 28976-61743 : jump ports1 } comment "ip-masq-agent: each range of --to-ports gets its share of the connections"
		masquerade fully-random comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	}

	chain ports0 {
		meta l4proto { tcp, udp, sctp } masquerade to :1024-29999 fully-random
	}

	chain ports1 {
		meta l4proto { tcp, udp, sctp } masquerade to :32768-65535 fully-random
	}
}
`,
		},
		{
			spec: "IPv6",
			want: `table ip6 ip-masq-agent
delete table ip6 ip-masq-agent
table ip6 ip-masq-agent {
	comment "managed by ip-masq-agent, which reverts any change"

	map destinations {
		comment "the ranges of the configuration and link-local, flattened: the longest prefix decides"
		type ipv6_addr : verdict
		flags interval
		elements = {
			fd00::/8 : goto kept,
			fe80:: : goto kept,
			fe80::1 : goto masq,
			fe80::2-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff : goto kept
		}
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 5; policy accept;
		fib daddr type local accept comment "ip-masq-agent: addresses of this node are not subject to MASQUERADE"
		ip6 daddr vmap @destinations comment "ip-masq-agent: ranges of the configuration"
		goto masq comment "ip-masq-agent: all other destinations are subject to MASQUERADE"
	}

	chain kept {
		counter accept comment "ip-masq-agent: local traffic is not subject to MASQUERADE"
	}

	chain masq {
		counter comment "ip-masq-agent: outbound traffic is subject to MASQUERADE"
		masquerade fully-random comment "ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)"
	}
}
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, specs()[tt.spec].String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCommentsFit checks the length that nft and the kernel allow a comment.
func TestCommentsFit(t *testing.T) {
	const limit = 128 // NFTNL_UDATA_COMMENT_MAXLEN
	for name, s := range specs() {
		l := s.layout()
		comments := []string{l.comment}
		for _, set := range l.sets {
			comments = append(comments, set.comment)
		}
		for _, c := range l.chains {
			for _, r := range c.rules {
				comments = append(comments, r.comment)
			}
		}
		for _, c := range comments {
			if len(c) >= limit || strings.ContainsAny(c, "\"\\") {
				t.Errorf("%s: comment %q has %d bytes, or a character that nft cannot print", name, c, len(c))
			}
		}
	}
}
