// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package e2e answers whether an operator who does what the documentation says,
// on a real cluster, gets what it promises. Each test is one of their stories.
//
// The tests are told where the cluster is by their environment:
//
//	KUBECTL     the kubectl command to use; it knows its cluster
//	HELM        the helm command to use, likewise
//	IMAGE       the agent's image, which the nodes have or can pull
//	E2E_NODE    the harness's node.sh, if the cluster is the harness's own;
//	            without it, tests that need the nodes themselves are skipped
//	E2E_OUTSIDE the probe program, run on the host outside
package e2e
