#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node-config.sh: writes the configuration files of a node's daemons.
#
#	node-config.sh N KIND DIRECTORY CGROUP
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

n=$1 kind=$2 dir=$3 cgroup=$4
name=$(node_name "$n")
echo "$(node_ip4 "$n"),$(node_ip6 "$n")" >"$dir/addresses"
cp "$state/control-plane/$name.conf" "$dir/kubelet.conf"

# ipMasq is false, so that only the agent masquerades. hairpinMode allows a pod to
# connect to itself through its Service.
cat >"$dir/cni/10-pods.conflist" <<T
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true, "ipMasq": false,
  "ipam": {"type": "host-local",
    "ranges": [[{"subnet": "$(pods_ip4 "$n")"}], [{"subnet": "$(pods_ip6 "$n")"}]],
    "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}]}
T

# restrict_oom_score_adj is needed on machines without CAP_SYS_RESOURCE.
cat >"$dir/containerd.toml" <<T
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:e2e"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
T

# syncFrequency is how often the kubelet checks ConfigMaps. The default is one
# minute, which would only make the tests slower. evictionHard ignores the disk of
# this machine, however full it is.
cat >"$dir/kubelet.yaml" <<T
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
syncFrequency: 1s
evictionHard: {memory.available: 50Mi, nodefs.available: "0%", imagefs.available: "0%", nodefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
volumePluginDir: /var/lib/kubelet/volumeplugins
nodeStatusUpdateFrequency: 5s
T

mode=iptables
[ "$kind" != nftables ] || mode=nftables
# conntrack: zero leaves the machine's sysctls unchanged.
cat >"$dir/kube-proxy.yaml" <<T
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $mode
hostnameOverride: $name
clientConnection: {kubeconfig: $state/control-plane/kube-proxy.conf}
clusterCIDR: 10.244.0.0/16,fd00:244::/48
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {localhostNodePorts: false, minSyncPeriod: 100ms, syncPeriod: 5s}
nftables: {minSyncPeriod: 100ms, syncPeriod: 5s}
T
