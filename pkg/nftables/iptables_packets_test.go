// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package nftables

// iptablesPacketTests are rules of iptables-nft for TestPacketsAgree, IPv4 only.
var iptablesPacketTests = []struct{ name, rules, v4, v6 string }{
	{"destination", "-A POSTROUTING -d 10.0.0.0/8 -j MASQUERADE", "masquerade", "keep"},
	{"destination, not", "-A POSTROUTING ! -d 10.2.0.0/15 -j MASQUERADE", "keep", ""},
	{"source and destination", "-A POSTROUTING -s 10.1.0.0/24 -d 10.2.0.2 -j MASQUERADE --random-fully", "masquerade", ""},
	{"device", "-A POSTROUTING -o et+ -j MASQUERADE", "masquerade", ""},
	{"device, not", "-A POSTROUTING ! -o eth0 -j MASQUERADE", "keep", ""},
	{"protocol and ports", "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 2000-3000", "masquerade", ""},
	{"another protocol", "-A POSTROUTING -p udp -j MASQUERADE", "keep", ""},
	{"type", "-A POSTROUTING -m addrtype ! --dst-type LOCAL -j MASQUERADE", "masquerade", ""},
	{"types of both", "-A POSTROUTING -m addrtype --src-type UNICAST,LOCAL --dst-type LOCAL -j MASQUERADE", "keep", ""},
	{"mark", "-A POSTROUTING -j MARK --set-xmark 0x12/0xff\n-A POSTROUTING -m mark --mark 0x12/0xff -j MASQUERADE", "masquerade", ""},
	{"mark, not", "-A POSTROUTING -j MARK --set-xmark 0x12/0xffffffff\n-A POSTROUTING -m mark ! --mark 0x12 -j MASQUERADE", "keep", ""},
	{"mark of the connection saved", "-A POSTROUTING -j CONNMARK --save-mark\n-A POSTROUTING -j MASQUERADE", "masquerade", ""},
	{"always", "-A POSTROUTING -m statistic --mode random --probability 1 -j MASQUERADE", "masquerade", ""},
	{"never", "-A POSTROUTING -m statistic --mode random --probability 0 -j MASQUERADE", "keep", ""},
	{"snat", "-A POSTROUTING -j SNAT --to-source 10.9.9.9", "10.9.9.9", ""},
	{"kube-proxy's mark is absent", "-A POSTROUTING -m mark --mark 0x4000/0x4000 -j SNAT --to-source 10.9.9.9", "keep", ""},
	{"log", "-A POSTROUTING -j LOG\n-A POSTROUTING -j NFLOG\n-A POSTROUTING -j MASQUERADE", "masquerade", ""},
	{"accept", "-A POSTROUTING -d 10.0.0.0/8 -j ACCEPT\n-A POSTROUTING -j MASQUERADE", "keep", ""},
	{"jump and return", ":A - [0:0]\n-A POSTROUTING -j A\n-A POSTROUTING -j MASQUERADE\n-A A -j RETURN\n-A A -j ACCEPT", "masquerade", ""},
	{"goto", ":A - [0:0]\n-A POSTROUTING -g A\n-A POSTROUTING -j MASQUERADE\n-A A -d 10.9.0.0/16 -j ACCEPT", "keep", ""},
}
