#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# rootfs.sh PLATFORM FOLDER: makes FOLDER the root file system of the image
# without the agent: iptables in both backends, from the Debian packages for that
# platform. It runs the programs that it copies only if they are for this machine,
# so it needs no emulation.
#
# It runs in the Dockerfile on Debian, as root, and adds the architecture to
# that system's dpkg.
set -euo pipefail

case $1 in
linux/amd64) arch=amd64 ;;
linux/arm64 | linux/arm64/v8) arch=arm64 ;;
linux/arm | linux/arm/v7) arch=armhf ;;
linux/ppc64le) arch=ppc64el ;;
linux/s390x) arch=s390x ;;
*)
	echo "error: there is no image for $1: it is linux/amd64, arm64, arm/v7, ppc64le or s390x" >&2
	exit 1
	;;
esac
root=$2

# iptables and what it depends on, and base-files, which has the licences and the
# release of Debian. netbase, which has the names of protocols, is the same for
# all architectures.
packages=(iptables libxtables12 libip4tc2 libip6tc2 libmnl0 libnftnl11 libnetfilter-conntrack3 libnfnetlink0 libc6 base-files)
common=(netbase)

# The files of these packages that the image has. All extensions of iptables are
# among them, and not only those of the agent's own rules: iptables-legacy-save
# fails at the first rule with an extension that it cannot load, and the rules
# are those of every program on the node. Extensions of ebtables and arptables,
# libebt_ and libarpt_, are not.
files=(
	'usr/sbin/xtables-nft-multi' 'usr/sbin/xtables-legacy-multi'
	'usr/lib/*/xtables/libxt_*.so' 'usr/lib/*/xtables/libipt_*.so' 'usr/lib/*/xtables/libip6t_*.so'
	'usr/lib/*/libxtables.so.*' 'usr/lib/*/libip4tc.so.*' 'usr/lib/*/libip6tc.so.*'
	'usr/lib/*/libmnl.so.*' 'usr/lib/*/libnftnl.so.*'
	'usr/lib/*/libnetfilter_conntrack.so.*' 'usr/lib/*/libnfnetlink.so.*'
	'lib/*/libc.so.6' 'lib/*/libm.so.6' 'lib*/ld*.so.*' 'lib/*/ld*.so.*'
	'etc/protocols' 'etc/os-release' 'usr/lib/os-release' 'etc/debian_version'
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"

dpkg --add-architecture "$arch"
apt-get update -qq
(cd "$work/debs" && apt-get download -qq -o APT::Sandbox::User=root "${packages[@]/%/:$arch}" "${common[@]}")

# A scanner looks for installed packages in status.d, one file for each, as it
# does in Google's distroless images.
status=$root/var/lib/dpkg/status.d
mkdir -p "$status"
for deb in "$work"/debs/*.deb; do
	package=$(dpkg-deb -f "$deb" Package)
	dpkg-deb -f "$deb" >"$status/$package"
	dpkg-deb -x "$deb" "$work/root"
	install -D -m 644 "$work/root/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done

# The libraries of iptables have the same copyright file as iptables. A link in place
# of the folder is what Debian allows for packages of one source.
for package in libxtables12 libip4tc2 libip6tc2; do
	cmp -s "$root/usr/share/doc/iptables/copyright" "$root/usr/share/doc/$package/copyright" || continue
	rm -r "${root:?}/usr/share/doc/$package"
	ln -s iptables "$root/usr/share/doc/$package"
done

cd "$work/root"
for pattern in "${files[@]}"; do
	# shellcheck disable=SC2206 # the pattern is to be expanded
	matches=($pattern)
	# The loader is in another folder on each architecture, and in two on some.
	[ -e "${matches[0]}" ] || [ -L "${matches[0]}" ] || [[ $pattern = *ld\** ]] || {
		echo "error: no package has $pattern" >&2
		exit 1
	}
	for file in "${matches[@]}"; do
		if [ -e "$file" ] || [ -L "$file" ]; then cp -a --parents "$file" "$root"; fi
	done
done

# The licences that the copyright files refer to. base-files refers to GPL, of any
# version: that is a link to the one that iptables refers to.
grep -rhoE 'common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$root/usr/share/doc" | sort -u | while read -r licence; do
	[ ! -f "usr/share/$licence" ] || [ -L "usr/share/$licence" ] || install -D -m 644 "usr/share/$licence" "$root/usr/share/$licence"
done
ln -s GPL-2 "$root/usr/share/common-licenses/GPL"

# The name of a link selects the iptables command. Without a backend in the name
# it uses nft, as Debian's alternatives do.
for family in iptables ip6tables; do
	for tool in '' -save -restore; do
		ln -s xtables-nft-multi "$root/usr/sbin/$family$tool"
		ln -s xtables-nft-multi "$root/usr/sbin/$family-nft$tool"
		ln -s xtables-legacy-multi "$root/usr/sbin/$family-legacy$tool"
	done
done

# The folder of the lock of iptables-legacy, run/xtables.lock.
mkdir -p "$root/run"

# A missing library must fail here and not on a node.
if [ "$arch" = "$(dpkg --print-architecture)" ]; then
	for program in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
		chroot "$root" "/usr/sbin/$program" --version
	done
fi
