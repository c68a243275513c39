#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh [GO TEST FLAGS...]: creates a Kubernetes cluster, runs the tests of e2e/ on
# it, and deletes it, also after a failure.
#
#	KUBECONFIG=FILE IMAGE=NAME run.sh   runs the tests that need no access to the
#	                                    nodes on that cluster
#	KEEP=1 run.sh                       does not delete the cluster: use test.sh
#	                                    and node.sh, then cluster.sh down
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

if [ -n "${KUBECONFIG:-}" ]; then
	say "Using the cluster of $KUBECONFIG; tests that need access to its nodes are skipped"
	exec "$here/test.sh" "$@"
fi
[ "$(id -u)" = 0 ] || die "creating nodes needs root: run 'sudo make e2e'"
export IMAGE=localhost/ip-masq-agent:e2e

# Only one run at a time, because namespaces and cgroups have fixed names. The
# steps do not inherit the lock: their daemons would hold it after a killed run.
mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock --nonblock "$lock" || die "another run of make e2e is in progress"

# Each step is a process group of its own, so that it can be stopped as a whole and
# Ctrl-C reaches only the traps below.
step() {
	local what=$1 begin=$SECONDS
	shift
	say "$what"
	setsid "$@" {lock}>&- </dev/null &
	group=$!
	wait "$group"
	group=
	echo "    $((SECONDS - begin)) s"
}

# ended GROUP: whether no process of the group is left.
ended() {
	! kill -0 -- "-$1" 2>/dev/null
}

finish() {
	local status=$?
	trap '' INT TERM HUP
	if [ -n "$group" ] && kill -TERM -- "-$group" 2>/dev/null; then
		wait "$group" || true
		(wait_for 30 ended "$group") || true
	fi
	if [ "$status" -ne 0 ] && [ -d "$state/log" ]; then
		rm -rf "$cache/log"
		cp -r "$state/log" "$cache/log"
		say "Failed; the logs of the cluster's daemons are in $cache/log"
	fi
	if [ -n "${KEEP:-}" ]; then
		say "The cluster is still running: use $state/kubectl, and delete it with $here/cluster.sh down"
	else
		say "Deleting the cluster"
		"$here/cluster.sh" down
	fi
	say "$SECONDS s in total"
}

group=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

step "Installing Debian packages" "$here/packages.sh"
"$here/cluster.sh" down # the cluster of a run that was killed
mkdir -p "$state"
mkdir "$state/programs"
step "Building helm" "$here/../helm.sh" "$state/programs"
step "Building Kubernetes" "$here/binary.sh" "$state/bin"
# Use a mount namespace, so that an interrupted build leaves no mounts.
step "Building the images" unshare --mount "$here/images.sh" "$state/images"
step "Testing the size and content of the image" env IP_MASQ_AGENT_TEST_IMAGE="$state/images/ip-masq-agent.tar" \
	go -C "$here/../../tools/image" test -count=1 -v -run Image .
step "Starting the cluster: nodes with iptables-nft, with iptables-legacy and without iptables" "$here/cluster.sh" up nft legacy nftables
step "Running the tests" "$here/test.sh" "$@"
