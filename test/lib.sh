# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
# shellcheck shell=bash
#
# Functions for the scripts in this directory. Source it.

say() { echo "==> $*"; }

die() {
	echo "error: $*" >&2
	exit 1
}

# apt_get ARGUMENTS...: runs apt-get, up to five times if it fails: a mirror may not
# answer, and another apt-get may hold a lock.
apt_get() {
	local try
	for try in 1 2 3 4; do
		! apt-get -qq -o DPkg::Lock::Timeout=300 "$@" || return 0
		say "apt-get failed, try $try of 5; trying again in 10 s"
		sleep 10
	done
	apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

# need COMMAND PACKAGE ...: installs the Debian packages of commands that are
# missing, or exits and says how to install them.
need() {
	local packages=()
	while [ $# -gt 0 ]; do
		command -v "$1" >/dev/null || packages+=("$2")
		shift 2
	done
	[ ${#packages[@]} -gt 0 ] || return 0
	local how="apt-get install --no-install-recommends ${packages[*]}"
	command -v apt-get >/dev/null || die "missing packages: ${packages[*]}. Install the packages of these or similar names"
	[ "$(id -u)" = 0 ] || die "missing packages: ${packages[*]}. Install them with: sudo $how"
	say "Installing ${packages[*]}"
	if ! { apt_get update && DEBIAN_FRONTEND=noninteractive apt_get install -y --no-install-recommends "${packages[@]}" >/dev/null; }; then
		die "could not install ${packages[*]}. Try: $how"
	fi
}

# need_prometheus puts prometheus and promtool on the PATH. If they are missing it
# extracts Debian's package into a cache directory. It does not install the
# package, because that would start a server on this machine.
need_prometheus() {
	local dir=${XDG_CACHE_HOME:-$HOME/.cache}/ip-masq-agent-prometheus download
	export PATH=$PATH:$dir/usr/bin
	! { command -v prometheus && command -v promtool; } >/dev/null || return 0
	command -v apt-get >/dev/null || die "missing: prometheus and promtool, 2.42 or later. Put both on the PATH: https://prometheus.io/download/"
	say "Downloading the package prometheus into $dir"
	mkdir -p "$dir"
	download=$(mktemp -d)
	if ! { apt_get update && (cd "$download" && apt_get -o APT::Sandbox::User="$(id -un)" download prometheus) && dpkg-deb -x "$download"/prometheus_*.deb "$dir"; }; then
		rm -rf "$download"
		die "could not download the package prometheus. Try: apt-get download prometheus"
	fi
	rm -rf "$download"
}
