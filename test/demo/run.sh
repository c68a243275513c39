#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh AGENT: runs the agent in a network namespace of its own, on the example
# configuration, and shows what it wrote. Nothing of it is left behind: the
# namespace, and the rules in it, go with the last process inside.
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
		"${enter[@]}" true 2>/dev/null || die "this system gives no user namespaces to ordinary users: run 'sudo make run'"
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

say "In a network namespace of its own. The configuration, $config:"
cat "$config"
say "Starting: ip-masq-agent --masq-chain=IP-MASQ --config=$config"
"$agent" --masq-chain=IP-MASQ --config="$config" --http-bind-address= 2>&1 &
pid=$!
for _ in $(seq 100); do
	iptables -t nat -L IP-MASQ >/dev/null 2>&1 && break
	kill -0 "$pid" 2>/dev/null || die "the agent ended; its last words are above"
	sleep 0.1
done
sleep 0.2 # the agent's log line comes after the rules
say "iptables -t nat -L IP-MASQ"
iptables -t nat -L IP-MASQ
say "The jump to it: iptables -t nat -S POSTROUTING"
iptables -t nat -S POSTROUTING
say "Stopping the agent, as the kubelet does"
kill "$pid"
wait "$pid"
pid=
iptables -t nat -S IP-MASQ >/dev/null && say "The rules are still in force, as on a node. They go with the namespace, now"
