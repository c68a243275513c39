#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# helm.sh DIRECTORY: builds helm in DIRECTORY. The first build takes minutes; later ones use Go's build
# cache. The version is set here and not in go.mod, because helm is not a part of the program.
set -euo pipefail
GOBIN=$(realpath "$1") go install -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@v4.3.1
