#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# lint.sh: runs the linters. Their versions are set here and not in go.mod, because
# they are not a part of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh
need shellcheck shellcheck

say "gofmt"
unformatted=$(gofmt -l cmd pkg test tools)
[ -z "$unformatted" ] || die "gofmt would change: $unformatted"

say "go mod tidy, go vet and staticcheck, in each module"
find . -name go.mod -not -path './test/cluster/k8s/*' | while read -r module; do
	(
		cd "$(dirname "$module")"
		go mod tidy -diff >/dev/null || die "$module or its go.sum is not tidy: run 'go mod tidy' there"
		go vet ./...
		go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
	)
done

say "Only pkg/iptables may import os/exec"
others=$(grep -rl --include='*.go' '"os/exec"' cmd pkg | grep -v -e '^pkg/iptables/' -e '_test\.go$' || true)
[ -z "$others" ] || die "these files import os/exec, which only pkg/iptables may: $others"

say "shellcheck"
git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs shellcheck --external-sources --source-path=SCRIPTDIR

say "actionlint: the GitHub workflows"
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 .github/workflows/*.yaml

say "SPDX headers"
unlicensed=$(git ls-files --cached --others --exclude-standard '*.go' '*.sh' '*.yaml' Makefile Dockerfile .ci/run | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$unlicensed" ] || die "files without an SPDX header: $unlicensed"
say "No problems found"
