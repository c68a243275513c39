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

# The suites of Debian whose kernel and iptables a node can have, oldest first.
# shellcheck disable=SC2034
suites=(bullseye bookworm trixie sid)

# The kinds of node: full has all modules of the kernel's netfilter; el10 has
# those of a cloud image of RHEL 10, which lacks nft_compat, xt_* and ip_tables.
# shellcheck disable=SC2034
kinds=(full el10)
