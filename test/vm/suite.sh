#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# suite.sh SUITE ARCH: downloads the kernel and the iptables of a suite of Debian
# for an architecture and makes these files of them in a folder of the cache, once:
#
#	vmlinuz                the kernel
#	root/                  the file system of a node, without modules
#	root.cpio              the same, as an initramfs
#	full.cpio, el10.cpio   the modules of each kind of node
#	versions               the version of each package
#
# To get newer packages, remove the folder.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

suite=$1 arch=$2
folder=$(folder "$suite" "$arch")
kernel=linux-image-cloud-$arch
[ "$arch" != s390x ] || kernel=linux-image-s390x
packages=("$kernel" iptables nftables iproute2 kmod busybox-static)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# A node is made anew if this script changed.
stamp=$(sha256sum "$here/suite.sh" | cut -d ' ' -f 1)
[ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

[ "$(uname -m)" = x86_64 ] || die "make vm runs on x86-64 only, not on $(uname -m)"
command -v apt-get >/dev/null || die "apt-get is missing: make vm takes its nodes from Debian's packages, and runs on Debian and Ubuntu"
need cpio cpio depmod kmod xz xz-utils
[ -e "$keyring" ] || need debian-archive-keyring debian-archive-keyring
[ -e "$keyring" ] || die "$keyring is missing. Get it with: sudo apt-get install debian-archive-keyring"

# mirror prints the mirror of Debian that this machine's apt uses; Ubuntu has
# none, and takes Debian's own.
mirror() {
	local uri
	# shellcheck disable=SC2016 # apt's variables
	uri=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
	echo "${MIRROR:-${uri:-https://deb.debian.org/debian}}"
}

mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
rm -f "$folder/stamp"
work=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

# apt sees a machine of that suite with one package, which stands for those that
# only an installed system needs.
echo "deb [signed-by=$keyring] $(mirror) $suite main" >"$folder/apt/sources.list"
cat >"$folder/apt/status" <<-'END'
	Package: not-needed
	Status: install ok installed
	Architecture: all
	Version: 1
	Maintainer: make vm <root@localhost>
	Description: needed by an installed system only
	Provides: linux-initramfs-tool, linux-base (= 99), debconf (= 99), debconf-2.0
END
# apt COMMAND...: apt-get with the files of this suite, and none of the machine's.
apt() {
	local dir=$folder/apt
	apt-get -qq -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o "Dir::State=$dir" -o "Dir::State::Lists=$dir/lists" \
		-o "Dir::State::Status=$dir/status" -o "Dir::Cache=$dir" -o APT::Sandbox::User=root \
		-o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o APT::Install-Recommends=0 \
		-o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
		-o Acquire::https::Timeout=30 "$@"
}
say "Downloading the kernel and the iptables of $suite for $arch from $(mirror)"
for part in update "install --download-only --yes ${packages[*]}"; do
	# shellcheck disable=SC2086 # $part is words
	apt $part >/dev/null || die "no packages of $suite for $arch from $(mirror). Name another mirror of Debian: MIRROR=https://... make vm"
done

say "Making the node of $suite, $arch"
root=$work/root
mkdir -p "$root"/{dev,etc,proc,run,sys,tmp,usr/bin,usr/lib,usr/lib64,usr/sbin}
for dir in bin lib lib64 sbin; do ln -s "usr/$dir" "$root/$dir"; done
for package in "$folder"/apt/archives/*.deb; do
	case $package in
	*/linux-*) dpkg-deb -x "$package" "$work/kernel" ;;
	*) dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/*' --exclude='./etc/init.d' ;;
	esac
	# shellcheck disable=SC2016 # dpkg's variables
	dpkg-deb -W --showformat '${Package} ${Version}\n' "$package"
done >"$work/versions"

# What the packages' own scripts would do on a machine: Debian's plain iptables
# is iptables-nft.
for command in iptables{,-save,-restore} ip6tables{,-save,-restore}; do
	ln -sf "${command%%-*}-nft${command#"${command%%-*}"}" "$root/usr/sbin/$command"
done
# init.sh makes the other links to busybox, which may not run on this machine.
[ -e "$root/usr/bin/sh" ] || ln -s busybox "$root/usr/bin/sh"
echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
echo '127.0.0.1 localhost' >"$root/etc/hosts"

# The modules that a namespace with rules and veth pairs needs, of the two
# thousand that there are.
mapfile -t modules < <(find "$work/kernel" -regex '.*/lib/modules/[^/]*/kernel' -type d)
[ ${#modules[@]} = 1 ] || die "the packages of $suite have ${#modules[@]} kernels, expected 1"
version=$(basename "$(dirname "${modules[0]}")")
for kind in "${kinds[@]}"; do
	to=$work/$kind/usr/lib/modules/$version
	mkdir -p "$to/kernel/drivers/net"
	cp "$(dirname "${modules[0]}")"/modules.{builtin,builtin.modinfo,order} "$to/"
	cp -r "${modules[0]}"/{crypto,lib,net} "$to/kernel/"
	cp "${modules[0]}"/drivers/net/{dummy,veth}.ko* "$to/kernel/drivers/net/"
	[ "$kind" = full ] || find "$to" -regextype posix-extended \
		-regex '.*/(nft_compat|x_tables|xt_[^/]*|ip6?_tables|ip6?table_[^/]*|ip6?t_[^/]*|ip_set[^/]*)\.ko[^/]*' -delete
	find "$to" -name '*.xz' -exec xz -d {} +
	depmod -b "$work/$kind/usr" "$version"
done
cp "$(find "$work/kernel" -name 'vmlinuz*' -type f)" "$work/vmlinuz"
for tree in root "${kinds[@]}"; do
	(cd "$work/$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/$tree.cpio"
done

rm -rf "$folder/root"
for file in vmlinuz versions root root.cpio full.cpio el10.cpio; do
	mv -T "$work/$file" "$folder/$file"
done
echo "$stamp" >"$folder/stamp"
