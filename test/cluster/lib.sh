# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# lib.sh: what every script of the harness shares. Sourced, never run.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# Two places outside the tree: what is worth keeping between runs, and what
# one run leaves behind only until it is taken down.
# shellcheck disable=SC2034 # for those who source this
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ip-masq-agent-e2e
state=${TMPDIR:-/tmp}/ip-masq-agent-e2e

# The name that every network namespace and cgroup of the harness begins with.
prefix=masq-e2e

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || die "timed out waiting for: $*"
		sleep .2
	done
}

# in_net HOST COMMAND...: in that host's network. nsenter and not "ip netns
# exec", which would hide the cgroups behind a sysfs of its own.
in_net() {
	local net=/run/netns/$prefix-$1
	shift
	nsenter --net="$net" "$@"
}

# start NAME HOST COMMAND...: a daemon in that host's network, its pid on
# record. It runs through setsid, so that a Ctrl-C meant for the tests does
# not reach it before the trap that takes the cluster down in order.
start() {
	local name=$1 net=/run/netns/$prefix-$2
	shift 2
	mkdir -p "$state/pids" "$state/log"
	nsenter --net="$net" setsid "$@" >"$state/log/$name.log" 2>&1 </dev/null &
	echo $! >"$state/pids/$name"
}

# stop NAME: ends that daemon, if it still is the process that was recorded: a
# pid that lives in none of our networks was given to somebody else meanwhile.
stop() {
	local file=$state/pids/$1 pid net
	[ -e "$file" ] || return 0
	pid=$(<"$file")
	for net in /run/netns/"$prefix"-*; do
		if [ "/proc/$pid/ns/net" -ef "$net" ]; then
			# KILL, because unshare --fork ignores TERM, and so that a
			# node goes as in a power cut.
			kill -KILL "$pid" 2>/dev/null || true
			wait_for 10 gone "$pid"
		fi
	done
	rm -f "$file"
}

# gone PID: it ended. A zombie has ended too: its parent may be a container's
# init that never collects it.
gone() {
	! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# Node N's names and addresses, and its pods'.
node_name() { echo "node$1"; }
node_ip4() { echo "10.99.0.1$1"; }
node_ip6() { echo "fd99::1$1"; }
pods_ip4() { echo "10.244.$1.0/24"; }
pods_ip6() { echo "fd00:244:0:$1::/64"; }
