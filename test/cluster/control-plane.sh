#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# control-plane.sh: starts etcd, the API server, the controllers and the scheduler
# in the network of node 1. It writes a kubeconfig for each user, and a kubectl and
# a helm command for the cluster that work in the machine's own network.
#
#	control-plane.sh NODES
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

nodes=$1
host=$(node_name 1)
ip=$(node_ip4 1)
dir=$state/control-plane
mkdir -p "$dir"
cd "$dir"

certificates() {
	# A self-signed certificate, which is its own certificate authority.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-keyout tls.key -out tls.crt -subj /CN=kube-apiserver \
		-addext "subjectAltName=IP:$ip,IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc" 2>/dev/null
	openssl genrsa -out accounts.key 2048 2>/dev/null
}

# user NAME IDENTITY [GROUP]: creates a user with a static token and a kubeconfig.
user() {
	local token
	token=$(openssl rand -hex 16)
	echo "$token,$2,$2${3:+,\"$3\"}" >>tokens.csv
	cat >"$1.conf" <<-T
		apiVersion: v1
		kind: Config
		current-context: e2e
		contexts: [{name: e2e, context: {cluster: e2e, user: $1}}]
		clusters: [{name: e2e, cluster: {server: "https://$ip:6443", certificate-authority: $dir/tls.crt}}]
		users: [{name: $1, user: {token: $token}}]
	T
}

users() {
	local i
	(umask 077 && : >tokens.csv)
	user admin admin system:masters
	user kube-proxy system:kube-proxy
	for i in $(seq "$nodes"); do
		user "$(node_name "$i")" "system:node:$(node_name "$i")" system:nodes
	done
}

# wrapper NAME PROGRAM ARGUMENTS...: writes a command NAME that runs the program in
# the cluster's network.
wrapper() {
	local name=$1
	shift
	printf '#!/bin/sh\nexec nsenter --net=/run/netns/%s-%s %s "$@"\n' "$prefix" "$host" "$*" >"$state/$name"
	chmod +x "$state/$name"
}

certificates
users
wrapper kubectl "$state/bin/kubectl" --kubeconfig="$dir/admin.conf"
wrapper helm env "HELM_CACHE_HOME=$state/helm-home" "HELM_CONFIG_HOME=$state/helm-home" "HELM_DATA_HOME=$state/helm-home" \
	"$state/programs/helm" --kubeconfig="$dir/admin.conf"
start etcd "$host" "$state/bin/etcd" --data-dir="$dir/etcd" --unsafe-no-fsync \
	--listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
	--listen-peer-urls=http://127.0.0.1:2380
# InternalIP makes "kubectl logs" and "exec" use the address of a node, because no
# DNS server knows its name.
start kube-apiserver "$host" "$state/bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
	--advertise-address="$ip" --secure-port=6443 --cert-dir="$dir/pki" \
	--tls-cert-file=tls.crt --tls-private-key-file=tls.key --token-auth-file=tokens.csv \
	--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
	--service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.key \
	--service-account-signing-key-file=accounts.key --service-cluster-ip-range=10.96.0.0/16,fd00:96::/112 \
	--kubelet-preferred-address-types=InternalIP
wait_for 120 "$state/kubectl" get --raw /readyz
start kube-controller-manager "$host" "$state/bin/kube-controller-manager" --kubeconfig=admin.conf \
	--leader-elect=false --service-account-private-key-file=accounts.key --root-ca-file=tls.crt \
	--use-service-account-credentials --cert-dir="$dir/pki"
start kube-scheduler "$host" "$state/bin/kube-scheduler" --kubeconfig=admin.conf --leader-elect=false \
	--cert-dir="$dir/pki"
