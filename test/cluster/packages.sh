#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# packages.sh: installs the Debian packages that the cluster needs.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

need containerd containerd runc runc /usr/lib/cni/bridge containernetworking-plugins \
	buildah buildah mmdebstrap mmdebstrap xtables-nft-multi iptables nft nftables ip iproute2 sysctl procps openssl openssl conntrack conntrack
