#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node.sh: runs a node: containerd, kubelet and kube-proxy in network, mount, PID
# and UTS namespaces of their own. N is the number or the name of the node.
#
#	node.sh up N KIND           starts it. KIND is nft or legacy, the backend of
#	                            the node's iptables, which kube-proxy also uses,
#	                            or nftables: then the node has no iptables, and
#	                            kube-proxy uses its nftables mode
#	node.sh down N
#	node.sh reboot N            kills it and starts it with an empty nat table
#	node.sh exec N COMMAND...   runs a command on the node
#	node.sh net N COMMAND...    runs a command of this machine in the node's network
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
[ $# -ge 2 ] || die "usage: node.sh up N KIND | down N | reboot N | exec N COMMAND... | net N COMMAND..."

command=$1 n=${2#node}
shift 2
name=$(node_name "$n")
dir=$state/$name
cgroup=$prefix-$name

cgroups_up() {
	local file of controller
	for controller in cpu cpuacct cpuset memory pids freezer devices blkio systemd; do
		[ ! -d "/sys/fs/cgroup/$controller" ] || mkdir -p "/sys/fs/cgroup/$controller/$cgroup"
	done
	# A new cpuset has no CPU and no memory, so nothing could run in it.
	of=/sys/fs/cgroup/cpuset
	for file in cpuset.cpus cpuset.mems; do
		[ ! -e "$of/$file" ] || cat "$of/$file" >"$of/$cgroup/$file"
	done
}

cgroups_down() {
	find /sys/fs/cgroup/*/"$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	! compgen -G "/sys/fs/cgroup/*/$cgroup" >/dev/null
}

# iptables_commands BACKEND: creates the node's iptables commands, as
# update-alternatives does elsewhere. They come first in the node's PATH.
iptables_commands() {
	local family tool
	for family in iptables ip6tables; do
		for tool in "$family" "$family-save" "$family-restore"; do
			ln -sf "/usr/sbin/xtables-$1-multi" "$dir/bin/$tool"
		done
	done
}

up() {
	rm -f "$dir/mounted"
	mkdir -p "$dir"/{bin,cni,kubelet,containerd,run,cnilib,logpods,logcontainers,sysctl,cgroup}
	echo "$1" >"$dir/kind"
	[ "$1" = nftables ] || iptables_commands "$1"
	"$here/node-config.sh" "$n" "$1" "$dir" "$cgroup"
	cgroups_up
	DIR=$dir BIN=$state/bin IMAGES=$state/images LOG=$state/log/$name PATH=$dir/bin:$PATH \
		start "$name" "$name" unshare --mount --propagation private --uts --pid --fork \
		--mount-proc --kill-child "$here/node-init.sh" "$name"
	# Before that a command would run in the machine's own namespaces.
	wait_for 120 test -e "$dir/mounted"
}

down() {
	stop "$name"
	wait_for 60 cgroups_down
}

reboot() {
	local kind nodes
	kind=$(<"$dir/kind")
	nodes=$(<"$state/nodes")
	down
	"$here/network.sh" replace "$n" "$nodes"
	rm -rf "$dir/run" # the /run of containerd, which is empty after a reboot
	up "$kind"
}

node_exec() {
	local pid
	pid=$(<"$state/pids/$name")
	PATH=$dir/bin:$PATH exec nsenter --target "$pid" --mount --uts --net \
		--pid="/proc/$pid/ns/pid_for_children" -- "$@"
}

case $command in
up) up "$1" ;;
down) down ;;
reboot) reboot ;;
exec) node_exec "$@" ;;
net) in_net "$name" "$@" ;;
*) die "node.sh: unknown command $command" ;;
esac
