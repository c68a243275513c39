# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# lib.sh: what every script of the harness shares. Sourced, never run.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The packages and what is made of them, a folder for each suite.
# shellcheck disable=SC2034 # for those who source this
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ip-masq-agent-vm

# The suites of Debian whose iptables test/versions compares, oldest first.
# shellcheck disable=SC2034
suites=(bullseye bookworm trixie sid)

# The kinds of node: full has all modules of the kernel's netfilter; el10 has
# those of a cloud image of RHEL 10, which lacks nft_compat, xt_* and ip_tables.
# shellcheck disable=SC2034
kinds=(full el10)

# folder SUITE ARCH: where the files of such a node are.
folder() {
	[ "$2" = amd64 ] && echo "$cache/$1" || echo "$cache/$1-$2"
}

# need_qemu ARCH: installs the emulator of an architecture.
need_qemu() {
	case $1 in
	amd64) need qemu-system-x86_64 qemu-system-x86 ;;
	arm64) need qemu-system-aarch64 qemu-system-arm ;;
	s390x)
		# Debian 12 has it in another package than Debian 13 and Ubuntu.
		command -v qemu-system-s390x >/dev/null && return
		[ "$(id -u)" != 0 ] || apt-get update -qq
		local package=qemu-system-s390x
		[ -n "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || package=qemu-system-misc
		need qemu-system-s390x "$package"
		;;
	*) die "there is no node of the architecture $1" ;;
	esac
}
