// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package backend decides where on this node the agent's rules are kept, and
// opens that for the agent.
package backend
