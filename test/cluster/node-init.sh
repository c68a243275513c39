#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node-init.sh: process 1 of a node. It mounts the file systems of the node, then
# starts the daemons and restarts them when they end, as systemd would.
set -eu
hostname "$1"

mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/containerd /var/lib/{kubelet,containerd,cni} /var/log/{pods,containers}
mount --bind "$DIR/run" /run/containerd
mount --bind "$DIR/kubelet" /var/lib/kubelet
mount --bind "$DIR/containerd" /var/lib/containerd
mount --bind "$DIR/cnilib" /var/lib/cni
mount --bind "$DIR/logpods" /var/log/pods
mount --bind "$DIR/logcontainers" /var/log/containers

# Mount a new /sys, for the node's own /sys/class/net, but keep the cgroups. This
# must precede make-rshared, or the umount would propagate to /sys/fs/cgroup.
mount --rbind /sys/fs/cgroup "$DIR/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$DIR/cgroup" /sys/fs/cgroup
umount -l "$DIR/cgroup"
mount --make-rshared /

# On a node without iptables delete its programs, in an overlay of the node.
# Containers use the iptables of their own image.
if [ "$(<"$DIR/kind")" = nftables ]; then
	mkdir -p "$DIR/sbin" "$DIR/sbin-work"
	mount -t overlay overlay -o "lowerdir=/usr/sbin,upperdir=$DIR/sbin,workdir=$DIR/sbin-work" /usr/sbin
	rm -f /usr/sbin/*tables*
fi

# The kubelet sets these sysctls for the whole machine. Bind mounts with the values
# that it wants prevent that.
sysctl_file() {
	echo "$2" >"$DIR/sysctl/${1##*/}"
	mount --bind "$DIR/sysctl/${1##*/}" "/proc/sys/$1"
}
sysctl_file vm/overcommit_memory 1
sysctl_file vm/panic_on_oom 0
sysctl_file kernel/panic 10
sysctl_file kernel/panic_on_oops 1
sysctl_file kernel/keys/root_maxkeys 1000000
sysctl_file kernel/keys/root_maxbytes 25000000

# There is no DNS server. The host outside rejects requests at once. Otherwise
# "iptables -L" would wait for a timeout for each line that it prints.
echo "nameserver 10.99.0.1" >"$DIR/resolv.conf"
mount --bind "$DIR/resolv.conf" /etc/resolv.conf
touch "$DIR/mounted"

# supervise NAME COMMAND...: restarts the command whenever it ends. Its process ID is in /run/NAME.pid.
supervise() {
	local name=$1
	shift
	while :; do
		"$@" >>"$LOG-$name.log" 2>&1 </dev/null &
		echo $! >"/run/$name.pid"
		wait $! || true
		sleep .5
	done
}

supervise containerd containerd --config "$DIR/containerd.toml" &
for _ in $(seq 600); do
	ctr version >/dev/null 2>&1 && break
	sleep .1
done
for image in "$IMAGES"/*.tar; do
	ctr -n k8s.io images import "$image"
done
supervise kubelet "$BIN/kubelet" --config="$DIR/kubelet.yaml" --kubeconfig="$DIR/kubelet.conf" \
	--hostname-override="$1" --node-labels="pool=$(<"$DIR/kind")" --node-ip="$(<"$DIR/addresses")" \
	--root-dir=/var/lib/kubelet --cert-dir="$DIR/pki" &
supervise kube-proxy "$BIN/kube-proxy" --config="$DIR/kube-proxy.yaml" &
wait
