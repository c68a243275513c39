#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# build.sh KIND ARCH TESTS FILE: builds the agent and the tests that a node of
# that kind and architecture runs, and writes them to FILE, an initramfs. The file
# tests says which tests are the default ones, and which are run with all. RUN is
# that of run.sh.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

kind=$1 arch=$2 tests=$3 file=$4
command -v go >/dev/null || die "go is missing. Get Go 1.26 or later: https://go.dev/dl/"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$work/vm"
cd "$here/../.."

# The tests find their files where go test would have found them.
tar -c --exclude=./.git --exclude=./bin --exclude='*.go' . | tar -x -C "$work/src"
export CGO_ENABLED=0 GOOS=linux GOARCH=$arch
go build -o "$work/vm/ip-masq-agent" ./cmd/ip-masq-agent

# selected prints package and pattern of each line of the file tests that this
# node runs. Of a package of which it runs all tests, no other line is needed.
selected() {
	awk -v kind="$kind" -v tests="$tests" -v run="${RUN:-}" '
		/^#/ || ($2 != "each" && $2 != kind) || ($1 != "default" && tests != "all" && run == "") { next }
		NR == FNR { if ($4 == ".") whole[$3] = 1; next }
		run != "" { if (!seen[$3]++) print $3, run; next }
		$4 == "." || !whole[$3] { print $3, $4 }
	' "$here/tests" "$here/tests"
}
selected >"$work/vm/plan"
cut -d ' ' -f 1 "$work/vm/plan" | sort -u | while read -r package; do
	go test -c -ldflags=-w -o "$work/vm/${package//\//-}.test" "./$package"
done
install -m 755 "$here/init.sh" "$work/init"
(cd "$work" && find . | cpio --quiet -o -H newc -R 0:0) >"$file"
