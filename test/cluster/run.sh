#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh [GO TEST FLAGS...]: the stories of e2e/, told on a real cluster that is
# made for them and taken down when they end, however they end.
#
#	KUBECONFIG=FILE IMAGE=NAME run.sh   on that cluster, those of them that
#	                                    need no access to its nodes
#	KEEP=1 run.sh                       leaves the cluster up, to look around:
#	                                    then test.sh, node.sh, cluster.sh down
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

if [ -n "${KUBECONFIG:-}" ]; then
	say "On the cluster of $KUBECONFIG; what needs access to its nodes is skipped"
	exec "$here/test.sh" "$@"
fi
[ "$(id -u)" = 0 ] || die "nodes are made of namespaces, cgroups and mounts, which needs root: run 'sudo make e2e'"
export IMAGE=localhost/ip-masq-agent:e2e

# One at a time: namespaces and cgroups have fixed names. The lock is not handed
# to the steps, whose daemons would hold it after a run that was killed.
mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock --nonblock "$lock" || die "another run is under way"

# Each step is a process group of its own, so that it can be ended as a whole
# and a Ctrl-C reaches nothing but the traps below.
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

# ended GROUP: no process of it is left.
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
		say "Failed; what the cluster's daemons logged is in $cache/log"
	fi
	if [ -n "${KEEP:-}" ]; then
		say "The cluster stays up: $state/kubectl; take it down with $here/cluster.sh down"
	else
		say "Taking everything down"
		"$here/cluster.sh" down
	fi
	say "$SECONDS s in all"
}

group=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

step "Debian packages" "$here/packages.sh"
"$here/cluster.sh" down # what a run that was killed left behind
mkdir -p "$state"
mkdir "$state/programs"
step "helm: compiled, or from Go's cache" "$here/../helm.sh" "$state/programs"
step "Kubernetes: compiled, or from the cache" "$here/binary.sh" "$state/bin"
# In a mount namespace, with which goes what an interrupted build left mounted.
step "Images: the project's Dockerfile" unshare --mount "$here/images.sh" "$state/images"
step "Image: its size and content" env IP_MASQ_AGENT_TEST_IMAGE="$state/images/ip-masq-agent.tar" \
	go -C "$here/../../tools/image" test -count=1 -v -run Image .
step "Cluster: a node on iptables-nft, one on iptables-legacy, one without iptables" "$here/cluster.sh" up nft legacy nftables
step "Stories" "$here/test.sh" "$@"
