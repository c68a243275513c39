#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# node.sh SUITE KIND ARCH TESTS: boots a node with the tests, an initramfs of
# build.sh, and prints what they print, until the node ends or its time is up. It
# writes beside TESTS. What its kernel says goes to log/ in the cache.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

suite=$1 kind=$2 arch=$3 tests=$4
need_qemu "$arch"
mkdir -p "$cache/log"
console=$cache/log/$suite-$kind-$arch.console

# The kernel has a terminal of its own, and the tests have another one.
case $arch in
amd64)
	machine=(qemu-system-x86_64 -serial "file:$console" -serial stdio)
	terminals="console=ttyS0 tests=ttyS1"
	;;
arm64)
	machine=(qemu-system-aarch64 -machine virt -serial "file:$console"
		-chardev "stdio,id=tests" -device "pci-serial,chardev=tests")
	terminals="console=ttyAMA0 tests=ttyS0"
	;;
s390x)
	machine=(qemu-system-s390x -serial stdio
		-chardev "file,id=console,path=$console" -device "sclplmconsole,chardev=console")
	terminals="console=sclp_line0 tests=ttysclp0"
	;;
esac

# The kernel takes one archive after the other.
files=$(folder "$suite" "$arch")
initramfs=$(dirname "$tests")/$suite-$kind-$arch.initramfs
cat "$files/root.cpio" "$files/$kind.cpio" "$tests" >"$initramfs"
# Without KVM unless asked for: nested KVM often is there and fails. The clock
# counts instructions, 500 million to a second, so that a busy machine makes a node
# slow but no test time out. While the node sleeps, the clock jumps. It has one
# processor: two that wait for each other and share such a clock take minutes.
clock=()
[ -n "${ACCEL:-}" ] || clock=(-icount "shift=1,sleep=off" -rtc clock=vm)
seconds=${VM_SECONDS:-$([ -n "${ALL:-}" ] && echo 14400 || echo 3600)}
exec timeout --kill-after=5 --foreground "$seconds" "${machine[@]}" -nodefaults -no-user-config \
	-accel "${ACCEL:-tcg,thread=single}" "${clock[@]}" -cpu max -m 2048 -display none -no-reboot \
	-kernel "$files/vmlinuz" -initrd "$initramfs" \
	-append "$terminals quiet panic=-1 kind=$kind" </dev/null
