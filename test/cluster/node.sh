#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node.sh: one node: containerd, kubelet and kube-proxy in network, mount, pid
# and host name spaces of their own. N is its number or its name.
#
#	node.sh up N KIND           KIND: nft or legacy is what iptables writes to,
#	                            and kube-proxy with it; a node of the kind
#	                            nftables has no iptables, and a kube-proxy that
#	                            uses nft
#	node.sh down N
#	node.sh reboot N            a power cut, and an empty nat table after it
#	node.sh exec N COMMAND...   as an operator would on that node
#	node.sh net N COMMAND...    a command of this machine, in the node's network
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
[ $# -ge 2 ] || die "usage: node.sh up N KIND | down N | reboot N | exec N COMMAND... | net N COMMAND..."

verb=$1 n=${2#node}
shift 2
name=$(node_name "$n")
dir=$state/$name
cgroup=$prefix-$name

cgroups_up() {
	local file of controller
	for controller in cpu cpuacct cpuset memory pids freezer devices blkio systemd; do
		[ ! -d "/sys/fs/cgroup/$controller" ] || mkdir -p "/sys/fs/cgroup/$controller/$cgroup"
	done
	# A new cpuset holds no processor and no memory; nothing can run in it.
	of=/sys/fs/cgroup/cpuset
	for file in cpuset.cpus cpuset.mems; do
		[ ! -e "$of/$file" ] || cat "$of/$file" >"$of/$cgroup/$file"
	done
}

cgroups_down() {
	find /sys/fs/cgroup/*/"$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	! compgen -G "/sys/fs/cgroup/*/$cgroup" >/dev/null
}

# iptables_commands BACKEND: the commands a node's PATH finds first decide the
# node's backend, as update-alternatives does elsewhere: the program obeys the
# name it has.
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
	# Until then a command would run in the machine's own namespaces.
	wait_for 30 test -e "$dir/mounted"
}

down() {
	stop "$name"
	wait_for 20 cgroups_down
}

reboot() {
	local kind nodes
	kind=$(<"$dir/kind")
	nodes=$(<"$state/nodes")
	down
	"$here/network.sh" replace "$n" "$nodes"
	rm -rf "$dir/run" # containerd's /run, which a reboot empties
	up "$kind"
}

node_exec() {
	local pid
	pid=$(<"$state/pids/$name")
	PATH=$dir/bin:$PATH exec nsenter --target "$pid" --mount --uts --net \
		--pid="/proc/$pid/ns/pid_for_children" -- "$@"
}

case $verb in
up) up "$1" ;;
down) down ;;
reboot) reboot ;;
exec) node_exec "$@" ;;
net) in_net "$name" "$@" ;;
*) die "node.sh: unknown verb $verb" ;;
esac
