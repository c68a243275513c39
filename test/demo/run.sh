#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh AGENT: runs the agent in a network namespace of its own, with the example
# configuration, and shows the rules that it writes. The kernel deletes the
# namespace and its rules when the last process in it ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/lib.sh

agent=$(realpath "$1")
config=$PWD/test/demo/config

if [ "${2:-}" != inside ]; then
	need iptables-nft iptables unshare util-linux
	enter=(unshare --net)
	if [ "$(id -u)" != 0 ]; then
		say "Not root: using a user namespace"
		enter=(unshare --map-root-user --net)
		"${enter[@]}" true 2>/dev/null || die "this system does not allow user namespaces for ordinary users: run 'sudo make run'"
	fi
	exec "${enter[@]}" "$0" "$agent" inside
fi

work=$(mktemp -d)
export XTABLES_LOCKFILE=$work/xtables.lock
pid=
cleanup() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

say "This is a network namespace of its own. The configuration $config:"
cat "$config"
say "Starting ip-masq-agent --masq-chain=IP-MASQ --config=$config"
"$agent" --masq-chain=IP-MASQ --config="$config" --http-bind-address= 2>&1 &
pid=$!
for _ in $(seq 600); do
	iptables -t nat -L IP-MASQ >/dev/null 2>&1 && break
	kill -0 "$pid" 2>/dev/null || die "the agent ended, see its log above"
	sleep 0.1
done
sleep 0.2 # the agent logs after it has written the rules
say "The chain: iptables -t nat -L IP-MASQ"
iptables -t nat -L IP-MASQ
say "The jump to the chain: iptables -t nat -S POSTROUTING"
iptables -t nat -S POSTROUTING
say "Stopping the agent, as the kubelet does"
kill "$pid"
wait "$pid"
pid=
iptables -t nat -S IP-MASQ >/dev/null && say "The rules are still in force, as on a node. They are deleted with the namespace now"
