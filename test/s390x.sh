#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# s390x.sh [GO TEST FLAGS...]: runs the tests of pkg/ that need no kernel on an
# emulated s390x processor. It is big-endian, so code that assumes the byte order
# of x86-64 fails there.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh
need qemu-s390x qemu-user

# QEMU does not emulate PR_SET_CHILD_SUBREAPER and NETLINK_NETFILTER, which the
# first three tests need. The last one has a time limit.
skip='^Test(NothingOfACommandIsLeft|Reap|MissingCommandIsLookedForAgain|ManyConflicts)$'
say "Testing pkg/ on s390x, emulated by QEMU"
export GOOS=linux GOARCH=s390x CGO_ENABLED=0 IP_MASQ_AGENT_TEST_NO_KERNEL=1
unset IP_MASQ_AGENT_TEST_REQUIRE_ROOT
go test -exec qemu-s390x -timeout 10m -skip "$skip" "$@" ./pkg/...
