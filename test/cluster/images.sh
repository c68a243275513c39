#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# images.sh DIRECTORY: builds the images for the nodes and saves them as archives in
# the directory. It uses no registry: it builds the base image of the Dockerfile,
# Debian with Go, from Debian packages and the installed Go, under a name of its
# own, which is a build argument of the Dockerfile.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

folder=$1
: "${IMAGE:?the name of the image of the agent}"
store=$cache/images
golang=localhost/e2e/golang:$(go env GOVERSION)
mkdir -p "$folder" "$store/tmp"
# buildah has the cache of Go in TMPDIR. Everything else there is left over from an
# interrupted build.
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

# pod_image NAME COMMAND: builds an image that has only the probe program.
pod_image() {
	local container
	container=$(build from scratch)
	build add --quiet "$container" "$state/probe" /probe >/dev/null
	build config --entrypoint "[\"/probe\", \"$2\"]" "$container"
	build commit --quiet --rm "$container" "$1" >/dev/null
}

# save NAME FILE: saves an image as an archive.
save() {
	rm -f "$folder/$2.tar"
	build push --quiet "$1" "docker-archive:$folder/$2.tar:$1"
}

build rm --all >/dev/null # containers of an interrupted build
have "$golang" || golang_base
(cd "$here/e2e" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$state/probe" ./probe)
pod_image localhost/pause:e2e pause
pod_image localhost/probe:e2e serve
save localhost/pause:e2e pause
save localhost/probe:e2e probe
# Isolation by chroot also works in a container. With the host's network go and apt
# download from the same servers as on the host.
build bud --quiet --layers --isolation chroot --pull-never --network host \
	--build-arg "GO_IMAGE=$golang" \
	--platform "linux/$(go env GOARCH)" --build-arg "BUILDPLATFORM=linux/$(go env GOARCH)" \
	--build-arg "GOPROXY=$(go env GOPROXY)" \
	--tag "$IMAGE" "$here/../.." >/dev/null
save "$IMAGE" ip-masq-agent
# The cached layers, which make the next build faster, grow with each edit.
[ "$(du -sm "$store" | cut -f1)" -lt 6000 ] || build rmi --prune >/dev/null
