// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

module ip-masq-agent/test/cluster/e2e

go 1.26.0

require github.com/google/go-cmp v0.7.0
