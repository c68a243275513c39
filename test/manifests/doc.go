// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package manifests answers: is what a user applies what Kubernetes, the
// Prometheus Operator and the agent itself take it for?
//
// Its tests are a module of their own, so that the types of Kubernetes are no
// dependency of the agent.
package manifests
