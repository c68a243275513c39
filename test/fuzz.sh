#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# fuzz.sh TIME: runs each fuzz test for so long, such as 30s.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh

grep -rl --include='*_test.go' '^func Fuzz' pkg | while read -r file; do
	grep -o '^func Fuzz[A-Za-z]*' "$file" | while read -r _ name; do
		say "$name, for $1"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "./$(dirname "$file")"
	done
done
