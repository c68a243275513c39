// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package e2e tests on a real cluster that the documented commands of an
// operator have the documented effect.
//
// Environment variables describe the cluster:
//
//	KUBECTL     the kubectl command for the cluster
//	HELM        the helm command for the cluster
//	IMAGE       the agent's image, which the nodes have or can pull
//	E2E_NODE    node.sh of the harness, if the harness made the cluster;
//	            without it, tests that need access to the nodes are skipped
//	E2E_OUTSIDE a command that runs the probe program on the host outside
//	E2E_LOG     the directory for the state of the cluster after a failure
package e2e
