#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# helm.sh FOLDER: builds helm in FOLDER. The first build takes minutes; after that Go's build cache
# has all but the link. The version stands here, outside go.mod: helm is no part of the program.
set -euo pipefail
GOBIN=$(realpath "$1") go install -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@v4.3.1
