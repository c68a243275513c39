#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# network.sh: creates the network. The namespace "outside" has a bridge and the
# hosts to which pods connect. Each node is a namespace, connected to that bridge.
# None of them is connected to the machine's own network or uses its nat table.
#
#	network.sh up NODES | down
#	network.sh replace N NODES	replaces the namespace of node N by a new one
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

# The addresses of the hosts outside: one in a CIDR that is not masqueraded by
# default, and addresses for documentation (RFC 5737, RFC 3849).
outside=(10.99.0.1/24 198.51.100.1/32 203.0.113.1/32 fd99::1/64 2001:db8::1/128)

outside() {
	local address
	ip netns add "$prefix-outside"
	local out=(ip -n "$prefix-outside")
	"${out[@]}" link set lo up
	"${out[@]}" link add br0 type bridge
	for address in "${outside[@]}"; do
		case $address in
		*:*) "${out[@]}" addr add "$address" dev br0 nodad ;;
		*) "${out[@]}" addr add "$address" dev br0 ;;
		esac
	done
	"${out[@]}" link set br0 up
}

# node N NODES: creates the namespace of node N, one of NODES.
node() {
	local i=$1 j name
	name=$(node_name "$i")
	local out=(ip -n "$prefix-outside") node=(ip -n "$prefix-$name")
	ip netns add "$prefix-$name"
	"${node[@]}" link set lo up
	# A node keeps its MAC address when it reboots. With another one, hosts that know
	# the old one would not reach the node for some seconds, see NUD in RFC 4861.
	"${node[@]}" link add eth0 address "$(printf 02:00:00:00:00:%02x "$i")" type veth peer name "$name" netns "$prefix-outside"
	"${out[@]}" link set "$name" master br0 up
	"${node[@]}" addr add "$(node_ip4 "$i")/24" dev eth0
	"${node[@]}" addr add "$(node_ip6 "$i")/64" dev eth0 nodad
	"${node[@]}" link set eth0 up
	in_net "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	"${node[@]}" route add default via 10.99.0.1
	"${node[@]}" route add default via fd99::1
	# The outside has routes to the pods, so connections that are not masqueraded work.
	"${out[@]}" route replace "$(pods_ip4 "$i")" via "$(node_ip4 "$i")"
	"${out[@]}" route replace "$(pods_ip6 "$i")" via "$(node_ip6 "$i")"
	for j in $(seq "$2"); do
		[ "$i" = "$j" ] && continue
		"${node[@]}" route add "$(pods_ip4 "$j")" via "$(node_ip4 "$j")"
		"${node[@]}" route add "$(pods_ip6 "$j")" via "$(node_ip6 "$j")"
	done
}

replace() {
	# Delete the device first. The kernel deletes a namespace asynchronously, and
	# until then the other end of the veth pair would use the name that is needed.
	ip -n "$prefix-outside" link del "$(node_name "$1")"
	ip netns del "$prefix-$(node_name "$1")"
	node "$1" "$2"
}

down() {
	local net
	for net in /run/netns/"$prefix"-*; do
		if [ -e "$net" ]; then ip netns del "${net##*/}"; fi
	done
}

case ${1:-} in
up)
	outside
	for i in $(seq "$2"); do node "$i" "$2"; done
	;;
replace) replace "$2" "$3" ;;
down) down ;;
*) die "usage: network.sh up NODES | replace N NODES | down" ;;
esac
