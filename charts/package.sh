#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The ip-masq-agent Authors
#
# package.sh VERSION IMAGE FOLDER: packages the chart in FOLDER. The chart's version is VERSION without
# its v, and the image is the chart's default. HELM names a helm to use instead of building one.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
version=${1#v} image=$2 folder=$3

# Helm accepts semantic versions only. "git describe" has others, such as a bare commit.
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || version=0.0.0-g$version
# The last part of a name with a colon may be a port: registry.example:5000/ip-masq-agent.
repository=$image tag=latest
[[ ${image##*/} != *:* ]] || { repository=${image%:*}; tag=${image##*:}; }

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
export HELM_CACHE_HOME=$temporary/cache HELM_CONFIG_HOME=$temporary/config HELM_DATA_HOME=$temporary/data
[ -n "${HELM:-}" ] || "$here/../test/helm.sh" "$temporary"
cp -rL "$here/ip-masq-agent" "$temporary/ip-masq-agent"
sed -i "s|^  repository: ip-masq-agent$|  repository: $repository|" "$temporary/ip-masq-agent/values.yaml"
mkdir -p "$folder"
"${HELM:-$temporary/helm}" package "$temporary/ip-masq-agent" --version "$version" --app-version "$tag" --destination "$folder"
