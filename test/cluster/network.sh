#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# network.sh: the wires. A namespace "outside" holds a bridge and the hosts that
# pods talk to; each node is a namespace with one cable to that bridge. None of
# them has a way to the machine's own network, or to its nat table.
#
#	network.sh up NODES | down
#	network.sh replace N NODES	node N's network, by a new and empty one
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

# What stands for the world: one address of a range that pods keep their own
# address to, by default, and documentation ranges (RFC 5737, RFC 3849).
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

# node N NODES: node N of so many.
node() {
	local i=$1 j name
	name=$(node_name "$i")
	local out=(ip -n "$prefix-outside") node=(ip -n "$prefix-$name")
	ip netns add "$prefix-$name"
	"${node[@]}" link set lo up
	"${node[@]}" link add eth0 type veth peer name "$name" netns "$prefix-outside"
	"${out[@]}" link set "$name" master br0 up
	"${node[@]}" addr add "$(node_ip4 "$i")/24" dev eth0
	"${node[@]}" addr add "$(node_ip6 "$i")/64" dev eth0 nodad
	"${node[@]}" link set eth0 up
	in_net "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	"${node[@]}" route add default via 10.99.0.1
	"${node[@]}" route add default via fd99::1
	# Pods are routed, not hidden: whoever keeps a pod's address can answer it.
	"${out[@]}" route replace "$(pods_ip4 "$i")" via "$(node_ip4 "$i")"
	"${out[@]}" route replace "$(pods_ip6 "$i")" via "$(node_ip6 "$i")"
	for j in $(seq "$2"); do
		[ "$i" = "$j" ] && continue
		"${node[@]}" route add "$(pods_ip4 "$j")" via "$(node_ip4 "$j")"
		"${node[@]}" route add "$(pods_ip6 "$j")" via "$(node_ip6 "$j")"
	done
}

replace() {
	# The cable first: the kernel takes a namespace apart in its own time, and
	# until then the far end would keep the name that the new one needs.
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
