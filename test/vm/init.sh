#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# init.sh: the first process of a node. It runs the tests of /vm/plan, one after
# the other, and writes what they print to the terminal that the kernel's command
# line names, with a line "#vm" before and after each.
export PATH=/usr/sbin:/usr/bin HOME=/root
/usr/bin/busybox --install -s /usr/bin # for commands that no package has
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
ln -s /proc/self/fd/0 /dev/stdin # which nft 0.9.8 opens for "-f -"
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
tty=/dev/$(sed 's/.* tests=//; s/ .*//' /proc/cmdline)
stty -F "$tty" raw
exec >"$tty" 2>&1 </dev/null

ip link set lo up
echo "#vm node $(uname -r)"
IP_MASQ_AGENT_TEST_NODE=$(sed 's/.* kind=//; s/ .*//' /proc/cmdline)
export IP_MASQ_AGENT_TEST_NODE
export IP_MASQ_AGENT_TEST_REQUIRE_ROOT=1 IP_MASQ_AGENT_TEST_BINARY=/vm/ip-masq-agent
while read -r package run; do
	echo "#vm package $package"
	cd "/src/$package" || exit
	"/vm/$(echo "$package" | tr / -).test" -test.v=test2json -test.run="$run" -test.timeout=50m
	echo "#vm status $?"
done </vm/plan
echo "#vm end"
poweroff -f
