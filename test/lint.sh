#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# lint.sh: what is checked without running the program. The linters' versions
# stand here, outside go.mod: they are no part of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
. test/lib.sh
need shellcheck shellcheck

say "gofmt"
unformatted=$(gofmt -l cmd pkg test tools)
[ -z "$unformatted" ] || die "gofmt would change: $unformatted"

say "go vet and staticcheck, in each module"
find . -name go.mod -not -path './test/cluster/k8s/*' | while read -r module; do
	(cd "$(dirname "$module")" && go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...)
done

say "go mod tidy"
go mod tidy -diff >/dev/null || die "go.mod or go.sum is not tidy: run 'go mod tidy'"

say "os/exec is imported by pkg/iptables alone"
others=$(grep -rl --include='*.go' '"os/exec"' cmd pkg | grep -v -e '^pkg/iptables/' -e '_test\.go$' || true)
[ -z "$others" ] || die "these run programs, which only pkg/iptables may: $others"

say "shellcheck"
git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs shellcheck --external-sources --source-path=SCRIPTDIR

say "actionlint: the GitHub workflows"
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 .github/workflows/*.yaml

say "Each file has its licence"
unlicensed=$(git ls-files --cached --others --exclude-standard '*.go' '*.sh' '*.yaml' Makefile Dockerfile .ci/run | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
[ -z "$unlicensed" ] || die "no SPDX header: $unlicensed"
say "Nothing to complain of"
