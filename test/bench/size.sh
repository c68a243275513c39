#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# size.sh [AGENT]: measures the size of the stripped binary of make build, and the maximum memory of the agent
# while it is probed and scraped. It exits with status 1 if a figure exceeds its limit.
#
# The memory is VmHWM of proc(5), in kB of 1024 bytes. About 7 MB of it are pages of the binary, which the
# kernel can drop at any time. The load is that of five minutes on a node, without the waiting: probes like
# those of the kubelet, each on a new connection, and scrapes with the headers of Prometheus.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/lib.sh

limit_size=10900000 # bytes
limit_memory=11264  # kB: 11 MB
runs=7

if [ "${1:-}" = inside ]; then
	agent=$2
	work=$(mktemp -d)
	export XTABLES_LOCKFILE=$work/xtables.lock
	trap '[ -z "${pid:-}" ] || kill "$pid" 2>/dev/null; wait; rm -rf "$work"' EXIT
	ip link set lo up
	url=http://127.0.0.1:10292
	"$agent" --config=manifests/example/config 2>"$work/log" &
	pid=$!
	ready=
	for _ in $(seq 200); do
		curl -sf $url/readyz >/dev/null && ready=1 && break
		sleep .05
	done
	[ -n "$ready" ] || die "the agent did not get ready: $(cat "$work/log")"
	sleep 3.5 # after 1 s and 3 s the agent gives back what only its start needs
	for _ in $(seq 20); do
		curl -sf -H 'Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1' \
			-H 'Accept-Encoding: gzip' $url/metrics >/dev/null
		for path in readyz readyz readyz healthz; do curl -sf $url/$path >/dev/null; done
	done
	awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status"
	exit
fi

[ "$(id -u)" = 0 ] || die "this needs root, for a network namespace"
need curl curl iptables-nft iptables ip iproute2
agent=${1:-}
if [ -z "$agent" ]; then
	make --no-print-directory build >/dev/null
	agent=bin/ip-masq-agent
fi
agent=$(realpath "$agent")

figure() { # NAME VALUE LIMIT UNIT
	printf '%-34s %9d %s (limit %d)\n' "$1" "$2" "$4" "$3"
	[ "$2" -le "$3" ] || over=1
}
over=
figure "binary" "$(stat -c %s "$agent")" $limit_size bytes
memory=$(for _ in $(seq $runs); do unshare --net "$0" inside "$agent"; done | sort -n | sed -n "$(((runs + 1) / 2))p")
figure "peak memory, median of $runs runs" "$memory" $limit_memory kB
[ -z "$over" ] || die "a figure exceeds its limit"
