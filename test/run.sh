#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh: all tests that need no cluster. Each test that changes iptables runs in
# a network namespace of its own, which goes with it.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh

[ "$(id -u)" = 0 ] || die "the kernel tests need root: run 'sudo make test'. For the rest alone: go test ./..."
need iptables-nft iptables nft nftables ip iproute2 strace strace
need_prometheus
# A test that cannot run must fail here, not be skipped.
export IP_MASQ_AGENT_TEST_REQUIRE_ROOT=1

race=()
if command -v gcc >/dev/null && [ "$(go env CGO_ENABLED)" = 1 ]; then
	race=(-race)
else
	say "Without the race detector: it needs gcc (apt-get install gcc libc6-dev)"
fi
say "Testing, with the fuzz seeds: go test ${race[*]} ./..."
# The tests wait for namespaces more than they compute, hence -parallel.
go test "${race[@]}" -parallel 8 -timeout 20m ./...
for module in test/*/go.mod tools/*/go.mod; do
	[ -f "$module" ] || continue
	dir=$(dirname "$module")
	[ "$dir" = test/cluster ] && continue
	say "Testing $dir, a module of its own"
	# The cache knows no files outside of the module, such as the manifests.
	(cd "$dir" && go test -count=1 -timeout 20m ./...)
done
say "All tests passed"
