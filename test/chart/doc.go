// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package chart tests that helm renders from charts/ip-masq-agent what the
// manifests and the documentation say, and rejects what the agent would reject.
//
// The tests use the real helm, which TestMain builds. Like those of
// test/manifests, they are a module of their own.
package chart
