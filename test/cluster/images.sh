#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# images.sh FOLDER: the images that the nodes run, as archives in that folder.
# No registry is asked: the base image of the project's Dockerfile, Debian with
# Go, is made of Debian's packages and of the Go that is installed here. It has a
# name of its own, which the Dockerfile takes as a build argument.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

folder=$1
: "${IMAGE:?the name of the image of the agent}"
store=$cache/images
golang=localhost/e2e/golang:$(go env GOVERSION)
mkdir -p "$folder" "$store/tmp"
# buildah keeps the cache of Go in TMPDIR. All else there is of a build that was
# interrupted.
export TMPDIR=$store/tmp
find "$TMPDIR" -mindepth 1 -maxdepth 1 -not -name buildah-cache -exec rm -rf {} +

build() {
	buildah --root "$store/root" --runroot "$state/buildah" --storage-driver overlay "$@"
}

have() { build inspect --type image "$1" >/dev/null 2>&1; }

golang_base() {
	local container tarball=$store/debian.tar
	mmdebstrap --quiet --variant=minbase bookworm "$tarball"
	container=$(build from scratch)
	build add --quiet "$container" "$tarball" / >/dev/null
	rm "$tarball"
	build add --quiet "$container" "$(go env GOROOT)" /usr/local/go >/dev/null
	build add --quiet "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
	build config --env PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		--env GOPATH=/go --env GOTOOLCHAIN=local --workingdir /go "$container"
	build commit --quiet --rm "$container" "$golang" >/dev/null
}

# pod_image NAME COMMAND: the probe, alone, under that name.
pod_image() {
	local container
	container=$(build from scratch)
	build add --quiet "$container" "$state/probe" /probe >/dev/null
	build config --entrypoint "[\"/probe\", \"$2\"]" "$container"
	build commit --quiet --rm "$container" "$1" >/dev/null
}

# save NAME FILE
save() {
	rm -f "$folder/$2.tar"
	build push --quiet "$1" "docker-archive:$folder/$2.tar:$1"
}

build rm --all >/dev/null # of a build that was interrupted
have "$golang" || golang_base
(cd "$here/e2e" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$state/probe" ./probe)
pod_image localhost/pause:e2e pause
pod_image localhost/probe:e2e serve
save localhost/pause:e2e pause
save localhost/probe:e2e probe
# chroot isolation: the other kinds want more than a container has. The host's
# network: go and apt fetch what the Dockerfile names, from where the host does.
build bud --quiet --layers --isolation chroot --pull-never --network host \
	--build-arg "GO_IMAGE=$golang" \
	--platform "linux/$(go env GOARCH)" --build-arg "BUILDPLATFORM=linux/$(go env GOARCH)" \
	--build-arg "GOPROXY=$(go env GOPROXY)" \
	--tag "$IMAGE" "$here/../.." >/dev/null
save "$IMAGE" ip-masq-agent
# The layers that make the next build short grow with each edit.
[ "$(du -sm "$store" | cut -f1)" -lt 6000 ] || build rmi --prune >/dev/null
