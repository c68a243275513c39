#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# test.sh [GO TEST FLAGS...]: runs the tests on the cluster of KUBECONFIG or, if it
# is not set, on the one that cluster.sh started.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

: "${IMAGE:?the name of the image of the agent}"
export IMAGE
if [ -n "${KUBECONFIG:-}" ]; then
	export KUBECTL=${KUBECTL:-kubectl} HELM=${HELM:-helm}
else
	export KUBECTL=$state/kubectl HELM=$state/helm E2E_NODE=$here/node.sh E2E_OUTSIDE=$state/outside E2E_LOG=$state/log
fi
cd "$here/e2e"
# Do not cache: go does not notice changes of the cluster.
exec go test -count=1 -v -timeout=40m "$@" .
