// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package chart answers whether helm renders from charts/ip-masq-agent what the
// manifests and the documentation say, and rejects what the agent would reject.
//
// The tests use the real helm, which TestMain builds. They are a module of their
// own, as those of test/manifests are.
package chart
