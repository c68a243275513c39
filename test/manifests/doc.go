// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package manifests tests what a user applies against Kubernetes, the
// Prometheus Operator and the agent itself: that it is valid and has the
// intended meaning.
//
// The tests are a module of their own, so that the types of Kubernetes are not
// a dependency of the agent.
package manifests
