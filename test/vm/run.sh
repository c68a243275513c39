#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh: the kernel tests on nodes of other kernels and other versions of
# iptables, in QEMU, and the pairs of versions of test/versions.
#
#	run.sh               the default nodes, some 12 minutes on two cores
#	ALL=1 run.sh         all nodes and all tests of the file tests, hours
#	SUITE=trixie KIND=el10 RUN=TestX run.sh
#	                     one node, and only these tests; each may be left out
#	ACCEL=kvm            with KVM, where it works
#	VM_SECONDS=900       how long a node may run; 3600 with ALL=1
#	MIRROR=URL           the mirror of Debian, by default that of this machine
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

# The oldest node, and the newest stable one of both kinds.
nodes=("trixie el10" "trixie full" "bullseye full")
if [ -n "${ALL:-}${SUITE:-}${KIND:-}" ]; then
	nodes=()
	for suite in "${suites[@]}"; do
		for kind in "${kinds[@]}"; do
			[ "${SUITE:-$suite}" = "$suite" ] && [ "${KIND:-$kind}" = "$kind" ] && nodes+=("$suite $kind")
		done
	done
	[ ${#nodes[@]} -gt 0 ] || die "no such node. SUITE is one of: ${suites[*]}; KIND is one of: ${kinds[*]}"
fi

mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock --nonblock "$lock" || die "another run is under way"

state=$(mktemp -d)
node=
finish() {
	trap '' INT TERM HUP
	[ -z "$node" ] || kill "$node" 2>/dev/null || true
	wait
	rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

[ "$(id -u)" = 0 ] || die "the versions of iptables run in network namespaces, which needs root: run 'sudo make vm'"
need qemu-system-x86_64 qemu-system-x86
for suite in $(printf '%s\n' "${nodes[@]% *}" | sort -u); do
	"$here/suite.sh" "$suite"
done
cd "$here/../.."
go build -o "$state/report" ./test/vm/report
mkfifo "$state/output"
# Nodes run in the background, so that a signal ends the run at once.
failed=()
for name in "${nodes[@]}"; do
	read -r suite kind <<<"$name"
	say "Node $suite, $kind"
	[ -e "$state/$kind.cpio" ] || "$here/build.sh" "$kind" "$state/$kind.cpio"
	"$here/node.sh" "$suite" "$kind" "$state/$kind.cpio" >"$state/output" {lock}>&- &
	node=$!
	"$state/report" -suite "$suite" -kind "$kind" -versions "$cache/$suite/versions" \
		-table "$state/table" <"$state/output" {lock}>&- &
	wait $! || failed+=("$suite-$kind")
	wait "$node" || true
	node=
done

if [ -z "${SUITE:-}${KIND:-}${RUN:-}" ]; then
	say "Pairs of versions of iptables"
	for suite in "${suites[@]}"; do "$here/suite.sh" "$suite"; done
	IP_MASQ_AGENT_TEST_SUITES=$cache IP_MASQ_AGENT_TEST_REQUIRE_ROOT=1 \
		go test -count=1 -parallel 8 -timeout 10m ./test/versions || failed+=(versions)
fi

say "What was run"
echo "| suite | kernel | iptables | nft | modules | packages | passed | failed | skipped | seconds |"
echo "|---|---|---|---|---|---|---|---|---|---|"
cat "$state/table"
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}. What the kernels said is in $cache/log"
say "All nodes passed, in $SECONDS s"
