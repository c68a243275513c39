#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# binary.sh LINK: compiles the Kubernetes binary unless it is cached. Then LINK
# points to a directory with one name for each component.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

link=$1
cd "$here/k8s"
# The name of the directory is a hash of everything that the binary is built from,
# so a change of the agent does not cause a compilation of Kubernetes.
hash=$(cat go.mod go.sum main.go <(go version) | sha256sum | cut -c1-16)
bin=$cache/$hash
ln -sfn "$bin" "$link"
[ ! -x "$bin/k8s" ] || exit 0

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v1.}
# With the version v0.0.0 of a plain "go build" the components do not start, or
# reject each other's requests.
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
# Rename the directory when it is complete, so that an interrupted compilation
# leaves no unusable one.
chmod 755 "$new"
mv -T "$new" "$bin"
