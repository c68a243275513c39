#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# binary.sh LINK: compiles the Kubernetes binary unless it is cached. The link
# then leads to a folder with one name for each component.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

link=$1
cd "$here/k8s"
# What the binary is made of, and nothing else, names its folder: a change of
# the agent never costs a compile of Kubernetes.
hash=$(cat go.mod go.sum main.go <(go version) | sha256sum | cut -c1-16)
bin=$cache/$hash
ln -sfn "$bin" "$link"
[ ! -x "$bin/k8s" ] || exit 0

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
# Components refuse to start, or to talk to each other, on the version
# v0.0.0 that a plain "go build" gives them.
v=k8s.io/component-base/version
stamp="-X $v.gitVersion=$version -X $v.gitMajor=1 -X $v.gitMinor=${minor%.*}"
stamp+=" -X $v.gitTreeState=clean -X $v.gitCommit=unknown -X $v.buildDate=2026-01-01T00:00:00Z"

mkdir -p "$cache"
new=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
CGO_ENABLED=0 nice go build -trimpath -ldflags "-s -w $stamp" -o "$new/k8s" .
for name in etcd kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubelet kubectl; do
	ln -s k8s "$new/$name"
done
# Renamed when whole, so that an interrupted compile leaves nothing that looks
# like a binary.
chmod 755 "$new"
mv -T "$new" "$bin"
