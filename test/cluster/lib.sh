# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# lib.sh: functions for the scripts in this directory. Source it.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# Two directories outside of the repository: one for files that later runs reuse,
# and one for the state of a cluster, which is deleted with it.
# shellcheck disable=SC2034 # used by the scripts that source this file
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ip-masq-agent-e2e
state=${TMPDIR:-/tmp}/ip-masq-agent-e2e

# The prefix of the names of all network namespaces and cgroups.
prefix=masq-e2e

# wait_for SECONDS COMMAND...: waits until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || die "timed out waiting for: $*"
		sleep .2
	done
}

# in_net HOST COMMAND...: runs a command in the network of a host. It does not use
# "ip netns exec", which would mount a sysfs without the cgroups.
in_net() {
	local net=/run/netns/$prefix-$1
	shift
	nsenter --net="$net" "$@"
}

# start NAME HOST COMMAND...: starts a daemon in the network of a host and records
# its process ID. It uses setsid, so that Ctrl-C does not end the daemon before
# the trap deletes the cluster in order.
start() {
	local name=$1 net=/run/netns/$prefix-$2
	shift 2
	mkdir -p "$state/pids" "$state/log"
	nsenter --net="$net" setsid "$@" >"$state/log/$name.log" 2>&1 </dev/null &
	echo $! >"$state/pids/$name"
}

# stop NAME: kills the daemon, if the recorded process is still the daemon: a
# process in none of the cluster's networks has only the same process ID.
stop() {
	local file=$state/pids/$1 pid net
	[ -e "$file" ] || return 0
	pid=$(<"$file")
	for net in /run/netns/"$prefix"-*; do
		if [ "/proc/$pid/ns/net" -ef "$net" ]; then
			# SIGKILL, because unshare --fork ignores SIGTERM, and because it
			# is like a power failure for a node.
			kill -KILL "$pid" 2>/dev/null || true
			wait_for 60 gone "$pid"
		fi
	done
	rm -f "$file"
}

# gone PID: whether the process has ended. A zombie counts as ended, because its
# parent may be the init of a container, which never reaps it.
gone() {
	! grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# The name and addresses of node N, and the CIDRs of its pods.
node_name() { echo "node$1"; }
node_ip4() { echo "10.99.0.1$1"; }
node_ip6() { echo "fd99::1$1"; }
pods_ip4() { echo "10.244.$1.0/24"; }
pods_ip6() { echo "fd00:244:0:$1::/64"; }
