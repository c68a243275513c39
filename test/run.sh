#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh: runs all tests that need no cluster. Each test that changes rules runs in
# a network namespace of its own, which the kernel deletes when the test ends.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh

[ "$(id -u)" = 0 ] || die "the kernel tests need root: run 'sudo make test'. To run only the other tests: go test ./..."
need iptables-nft iptables nft nftables ip iproute2 strace strace
need_prometheus
# Here a test that cannot run fails instead of being skipped.
export IP_MASQ_AGENT_TEST_REQUIRE_ROOT=1

race=()
if command -v gcc >/dev/null && [ "$(go env CGO_ENABLED)" = 1 ]; then
	race=(-race)
else
	say "Testing without the race detector, which needs gcc (apt-get install gcc libc6-dev)"
fi
say "Running the tests and the fuzz seeds: go test ${race[*]} ./..."
# The tests mostly wait, so run more of them in parallel than there are CPUs.
go test "${race[@]}" -parallel 8 -timeout 20m ./...
for module in test/*/go.mod tools/*/go.mod; do
	[ -f "$module" ] || continue
	dir=$(dirname "$module")
	[ "$dir" = test/cluster ] && continue
	say "Testing $dir, a module of its own"
	# The test cache does not notice changes of files outside of the module, such as the manifests.
	(cd "$dir" && go test -count=1 -timeout 20m ./...)
done
say "All tests passed"
