#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node.sh SUITE KIND TESTS: boots a node of that suite and kind with the tests,
# an initramfs of build.sh, and prints what they print, until the node ends or
# its time is up. It writes beside TESTS. What its kernel says goes to log/ in
# the cache.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

suite=$1 kind=$2 tests=$3
need qemu-system-x86_64 qemu-system-x86
mkdir -p "$cache/log"

# The kernel takes one archive after the other.
initramfs=$(dirname "$tests")/initramfs
cat "$cache/$suite/root.cpio" "$cache/$suite/$kind.cpio" "$tests" >"$initramfs"
# Without KVM unless asked for: nested KVM often is there and fails. And with one
# thread for both processors: with two, a kernel that patched its own code, as it
# does when the first netfilter hook comes, met an invalid opcode now and then. The first
# serial line is the kernel's, the second the tests'.
seconds=${VM_SECONDS:-$([ -n "${ALL:-}" ] && echo 3600 || echo 900)}
exec timeout --kill-after=5 --foreground "$seconds" qemu-system-x86_64 -nodefaults -no-user-config \
	-accel "${ACCEL:-tcg,thread=single}" -cpu max -smp 2 -m 2048 -display none -no-reboot \
	-serial "file:$cache/log/$suite-$kind.console" -serial stdio \
	-kernel "$cache/$suite/vmlinuz" -initrd "$initramfs" \
	-append "console=ttyS0 quiet panic=-1 kind=$kind" </dev/null
