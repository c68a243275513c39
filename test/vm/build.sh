#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# build.sh KIND FILE: builds the agent and the tests that a node of that kind
# runs, and writes them to FILE, an initramfs. The file tests says which; ALL
# and RUN are those of run.sh.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

kind=$1 file=$2
command -v go >/dev/null || die "go is missing. Get Go 1.26 or later: https://go.dev/dl/"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$work/vm"
cd "$here/../.."

# The tests find their files where go test would have found them.
tar -c --exclude=./.git --exclude=./bin --exclude='*.go' . | tar -x -C "$work/src"
export CGO_ENABLED=0
go build -o "$work/vm/ip-masq-agent" ./cmd/ip-masq-agent
while read -r when on package run; do
	[ "$on" = each ] || [ "$on" = "$kind" ] || continue
	[ "$when" = always ] || [ -n "${ALL:-}${RUN:-}" ] || continue
	binary=$work/vm/${package//\//-}.test
	[ -e "$binary" ] || go test -c -ldflags=-w -o "$binary" "./$package"
	echo "$package ${RUN:-$run}"
done < <(grep -v '^#' "$here/tests") | uniq >"$work/vm/plan"
install -m 755 "$here/init.sh" "$work/init"
(cd "$work" && find . | cpio --quiet -o -H newc -R 0:0) >"$file"
