#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# release.sh: builds the files of a release in dist/. "make release" runs it.
#
#	1. reject an invalid version, and a tree with uncommitted changes
#	2. copy the files of the commit, so that the release has no others
#	3. build the binaries of all platforms
#	4. write the manifests, with the name of the image
#	5. package the chart
#	6. build the image of all platforms, as an OCI archive, or push it
#	7. list what is inside the image (SBOM)
#	8. write SHA256SUMS
#
# It uses these variables, which the Makefile sets:
#
#	VERSION     the version, such as v1.2.3
#	IMAGE       the name of the image, with the version as its tag
#	PLATFORMS   the platforms of the image. Empty: no image and no SBOM
#	OUTPUT      --push pushes the image. Otherwise it becomes an archive
#	REPOSITORY  the URL of the repository, for links in the manifests
#	BUILDER     docker (buildx) or buildah
#	IMAGE_ARGS  further arguments for the build of the image
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/lib.sh

# The placeholder for the URL of the repository in the source tree.
placeholder=https://git.example/ip-masq-agent/blob/main

# 1. Reject.
number='(0|[1-9][0-9]*)'
[[ $VERSION =~ ^v$number\.$number\.$number(-[0-9A-Za-z.-]+)?$ ]] ||
	die "'$VERSION' is not a version: give VERSION=v1.2.3 or VERSION=v1.2.3-rc.1 (build metadata, +..., cannot be the tag of an image)"
[[ ! $VERSION =~ -[0-9]+-g[0-9a-f]{7,}(-dirty)?$ ]] ||
	die "'$VERSION' is the output of git describe between two versions: give VERSION=v1.2.3"
[[ $IMAGE = *:$VERSION ]] || die "the tag of the image is not the version: give IMAGE=registry.example/ip-masq-agent:$VERSION"
changes=$(git status --porcelain)
[ -z "$changes" ] || die "the tree has uncommitted changes: commit or remove them
$changes"
commit=$(git rev-parse HEAD)
if tagged=$(git rev-parse --quiet --verify "refs/tags/$VERSION^{commit}"); then
	[ "$tagged" = "$commit" ] || die "the tag $VERSION is on another commit, $tagged: check it out, or choose another version"
fi
section=${VERSION#v}
section=${section%%-*}
notes=$(awk -v heading="## $section" '/^## / { found = ($0 == heading || index($0, heading " ") == 1); next } found' CHANGELOG.md)
[ -n "$notes" ] || die "CHANGELOG.md has no section '## $section'"
if [ -z "$REPOSITORY" ]; then
	[ "$OUTPUT" != --push ] || die "give REPOSITORY=https://github.com/OWNER/NAME: the alerts link to its docs"
	say "Without REPOSITORY=https://github.com/OWNER/NAME the alerts link to $placeholder"
fi

# 2. Copy the commit.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
src=$work/src
mkdir "$src"
git archive "$commit" | tar -x -C "$src"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Environment variables that would change the build.
export GOFLAGS=-buildvcs=false GOENV=off
unset GOAMD64 GOARM64 GOPPC64 GOEXPERIMENT GOFIPS140
if [ -n "$REPOSITORY" ]; then
	grep -rlF "$placeholder" "$src/manifests" "$src/charts" | xargs sed -i "s,$placeholder,$REPOSITORY/blob/$VERSION,g"
fi
dist=$PWD/dist
rm -rf "$dist"
mkdir "$dist"
built() { make --no-print-directory -C "$src" VERSION="$VERSION" IMAGE="$IMAGE" "$@"; }

# 3. Binaries.
say "Building the binaries"
built binaries
cp "$src"/bin/ip-masq-agent-linux-* "$dist"

# 4. Manifests.
say "Writing the manifests with the image $IMAGE"
# manifest FILE...: prints the files as one, with the name of the image.
manifest() {
	local file first=1
	for file in "$@"; do
		[ -n "$first" ] || echo ---
		first=
		sed "s,image: ip-masq-agent:latest$,image: $IMAGE," "$src/manifests/$file"
	done
}
manifest ip-masq-agent.yaml >"$dist/ip-masq-agent.yaml"
manifest cleanup.yaml >"$dist/ip-masq-agent-cleanup.yaml"
manifest monitoring/podmonitor.yaml monitoring/prometheusrule.yaml >"$dist/ip-masq-agent-monitoring.yaml"
cp "$src/manifests/monitoring/dashboard.json" "$dist/ip-masq-agent-dashboard.json"
# 5. Chart.
say "Packaging the chart"
built chart
cp "$src"/bin/*.tgz "$dist"

# 6. Image, and 7. what is inside it.
if [ -n "$PLATFORMS" ]; then
	say "Building the image for $PLATFORMS"
	archive=$dist/ip-masq-agent-image.oci.tar
	list=localhost/ip-masq-agent-release:$VERSION # the manifest list of all platforms, in buildah's storage
	case $BUILDER in
	docker)
		[ "$OUTPUT" = --push ] || OUTPUT="--output type=oci,dest=$archive"
		built image PLATFORM="$PLATFORMS" OUTPUT="$OUTPUT" IMAGE_ARGS="$IMAGE_ARGS --build-arg REVISION=$commit --metadata-file $work/metadata.json"
		sed -n 's/.*"containerimage.digest": *"\([^"]*\)".*/\1/p' "$work/metadata.json" >"$work/digest"
		;;
	buildah)
		buildah manifest rm "$list" >/dev/null 2>&1 || true
		built image PLATFORM="$PLATFORMS" IMAGE_ARGS="$IMAGE_ARGS --build-arg REVISION=$commit --manifest $list"
		to=oci-archive:$archive
		[ "$OUTPUT" != --push ] || to=docker://$IMAGE
		buildah manifest push --all --quiet --digestfile "$work/digest" "$list" "$to" >/dev/null
		buildah manifest rm "$list" >/dev/null
		;;
	*) die "BUILDER is docker or buildah, not '$BUILDER'" ;;
	esac
	# cosign signs the digest: a tag can be moved.
	echo "${IMAGE%:*}@$(cat "$work/digest")" >"$dist/image.txt"

	say "Writing the SBOM"
	# It lists the packages of this machine's platform. The other platforms have the same ones.
	built sbom SBOM="$dist/ip-masq-agent.spdx.json" PLATFORM="linux/$(go env GOARCH)" OUTPUT=--load IMAGE_ARGS="$IMAGE_ARGS --build-arg REVISION=$commit"
else
	say "Without PLATFORMS there is no image and no SBOM: this is a test run"
fi

# 8. Checksums.
sed '/./,$!d' <<<"$notes" >"$dist/NOTES.md"
(cd "$dist" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
say "Release $VERSION of commit $commit is in $dist:"
(cd "$dist" && ls -l)
