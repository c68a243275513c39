#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# cluster.sh: runs a Kubernetes cluster in network namespaces.
#
#	cluster.sh up KIND...       starts one node of each kind, see node.sh
#	cluster.sh down             stops the cluster and deletes its state
#
# up needs the Kubernetes binary in $state/bin and the images in $state/images.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

up() {
	local i=0 kind name
	[ -d /sys/fs/cgroup/memory ] || die "the nodes need cgroup v1, which this machine does not have: set KUBECONFIG to use another cluster"
	mkdir -p "$state/log"
	echo $# >"$state/nodes"
	"$here/network.sh" up $#
	start outside outside "$state/probe" serve :8080
	printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s-outside %s "$@"\n' "$prefix" "$state/probe" >"$state/outside"
	chmod +x "$state/outside"
	"$here/control-plane.sh" $#
	for kind in "$@"; do
		"$here/node.sh" up $((++i)) "$kind"
	done
	for i in $(seq $#); do
		name=$(node_name "$i")
		wait_for 120 "$state/kubectl" get node "$name"
		"$state/kubectl" wait --for=condition=Ready "node/$name" --timeout=300s >/dev/null
	done
	wait_for 120 "$state/kubectl" get serviceaccount default
}

down() {
	local file
	for file in "$state"/node[0-9]*; do
		[ ! -d "$file" ] || "$here/node.sh" down "${file##*/node}"
	done
	for file in "$state"/pids/*; do
		[ ! -e "$file" ] || stop "${file##*/}"
	done
	"$here/network.sh" down
	rm -rf --one-file-system "$state"
}

case ${1:-} in
up)
	shift
	up "$@"
	;;
down) down ;;
*) die "usage: cluster.sh up KIND... | down" ;;
esac
