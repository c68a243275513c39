#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# fuzz.sh TIME: runs each fuzz test for TIME, for example 30s. Then it compares the
# answers of explain and doctor with packets, for SEEDS random rule sets (default
# 200; 0 skips this step), which needs root. FIRST is the first seed; the default
# is random.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh

grep -rl --include='*_test.go' '^func Fuzz' pkg | while read -r file; do
	grep -o '^func Fuzz[A-Za-z]*' "$file" | while read -r _ name; do
		say "Running $name for $1"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "./$(dirname "$file")"
	done
done

seeds=${SEEDS:-200} first=${FIRST:-$((RANDOM * 32768 + RANDOM))}
[ "$seeds" != 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	say "Skipping the random rule sets, which need root"
	exit 0
fi
say "Testing $seeds random rule sets with packets, from seed $first on"
go test ./test/packets -timeout 120m -first "$first" -seeds "$seeds"
