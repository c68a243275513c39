#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# run.sh: the kernel tests on nodes of other kernels and other versions of
# iptables, in QEMU, and the pairs of versions of test/versions.
#
#	run.sh               the default nodes of the file nodes
#	ALL=1 run.sh         all nodes, and all tests of the file tests
#	SUITE=trixie KIND=el10 ARCH=amd64 RUN=TestX run.sh
#	                     these nodes, and only these tests; each may be left out
#	TABLE=FILE           writes what was run to FILE, as docs/tested.md; what FILE
#	                     says of other nodes stays
#	JOBS=2               how many nodes run at once, by default one a processor
#	ACCEL=kvm            with KVM, where it works
#	VM_SECONDS=7200      how long a node may run
#	MIRROR=URL           the mirror of Debian, by default that of this machine
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

nodes=()
while read -r when suite kind arch; do
	if [ -n "${SUITE:-}${KIND:-}${ARCH:-}" ]; then
		[ "${SUITE:-$suite} ${KIND:-$kind} ${ARCH:-amd64}" = "$suite $kind $arch" ] || continue
	else
		[ "$when" = default ] || [ -n "${ALL:-}" ] || continue
	fi
	nodes+=("$suite $kind $arch")
done < <(grep -v '^#' "$here/nodes")
[ ${#nodes[@]} -gt 0 ] || die "no such node. The nodes are: $(awk '!/^#/ { printf "%sSUITE=%s KIND=%s ARCH=%s", comma, $2, $3, $4; comma = ", " }' "$here/nodes")"
[ -z "${TABLE:-}" ] || [ -z "${RUN:-}" ] || die "TABLE says which nodes pass their tests, and RUN leaves out tests: give one of them"
[ -z "${TABLE:-}" ] || TABLE=$(realpath "$TABLE")

mkdir -p "$cache"
exec {lock}>"$cache/lock"
flock --nonblock "$lock" || die "another run is under way"

state=$(mktemp -d)
declare -A running=() # by the process of a report: its node's process and name
finish() {
	trap '' INT TERM HUP
	local report
	for report in "${!running[@]}"; do
		kill "${running[$report]%% *}" 2>/dev/null || true
	done
	wait
	rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

[ "$(id -u)" = 0 ] || die "the versions of iptables run in network namespaces, which needs root: run 'sudo make vm'"
for name in "${nodes[@]}"; do
	read -r suite kind arch <<<"$name"
	need_qemu "$arch"
	"$here/suite.sh" "$suite" "$arch"
done
cd "$here/../.."
go build -o "$state/report" ./test/vm/report

# start_node SUITE KIND ARCH: in the background, so that a signal ends the run at
# once, and in a session of its own, so that a Ctrl-C reaches nothing but the traps
# above. {lock}>&- so that no node holds the lock after a run that was killed.
start_node() {
	local suite=$1 kind=$2 arch=$3 tests=default name=$1-$2-$3 cpio
	[ -z "${ALL:-}" ] || [ "$arch" != amd64 ] || tests=all
	cpio=$state/$kind-$arch-$tests.cpio
	[ -e "$cpio" ] || "$here/build.sh" "$kind" "$arch" "$tests" "$cpio"
	say "Node $suite, $kind, $arch"
	mkfifo "$state/$name"
	setsid "$here/node.sh" "$suite" "$kind" "$arch" "$cpio" >"$state/$name" {lock}>&- &
	local node=$!
	"$state/report" -suite "$suite" -kind "$kind" -arch "$arch" -tests "$tests" \
		-versions "$(folder "$suite" "$arch")/versions" -table "$state/table" <"$state/$name" {lock}>&- &
	running[$!]="$node $name"
}

# end_node waits until one of the nodes has ended.
failed=()
end_node() {
	local report status=0 node name
	wait -n -p report "${!running[@]}" || status=$?
	read -r node name <<<"${running[$report]}"
	[ "$status" = 0 ] || failed+=("$name")
	wait "$node" || true
	unset "running[$report]"
	rm -f "$state/$name" "$state/$name.initramfs"
}

jobs=${JOBS:-$(nproc)}
for name in "${nodes[@]}"; do
	[ ${#running[@]} -lt "$jobs" ] || end_node
	# shellcheck disable=SC2086 # three words
	start_node $name
done
while [ ${#running[@]} -gt 0 ]; do end_node; done

if [ -z "${SUITE:-}${KIND:-}${ARCH:-}${RUN:-}" ]; then
	say "Pairs of versions of iptables"
	for suite in "${suites[@]}"; do "$here/suite.sh" "$suite" amd64; done
	go test -c -o "$state/versions.test" ./test/versions
	pairs() {
		echo "#vm node $(uname -r)"
		echo "#vm package test/versions"
		local status=0
		IP_MASQ_AGENT_TEST_SUITES=$cache IP_MASQ_AGENT_TEST_REQUIRE_ROOT=1 \
			"$state/versions.test" -test.v=test2json -test.parallel=8 -test.timeout=20m 2>&1 || status=$?
		echo "#vm status $status"
		echo "#vm end"
	}
	for suite in "${suites[@]}"; do grep "^iptables " "$cache/$suite/versions"; done >"$state/versions"
	cd test/versions
	pairs | "$state/report" -suite "each pair" -kind full -arch amd64 -tests all \
		-versions "$state/versions" -table "$state/table" || failed+=(versions)
	cd ../..
fi

say "What was run"
"$state/report" -print "$state/table"
[ -z "${TABLE:-}" ] || "$state/report" -print "$state/table" -nodes "$here/nodes" -plan "$here/tests" -document "$TABLE"
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}. What the kernels said is in $cache/log"
say "All nodes passed, in $SECONDS s"
