// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ip-masq-agent/pkg/netfilter"
)

func TestFailureIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, "resyncInterval: 10s", func(n *node) { n.v4.err = errors.New("the lock is held") })
		wait(40 * time.Second)
		var at []time.Duration
		for _, a := range n.v4.take() {
			at = append(at, a.At)
		}
		const s = time.Second
		check(t, "tried at", []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 25 * s, 35 * s}, at)
		n.v4.set(func(r *recorder) { r.err = nil })
		wait(5 * time.Second)
		n.v4.set(func(r *recorder) { r.err = errors.New("again") })
		wait(11 * time.Second)
		check(t, "a success resets the waiting", []application{{45 * s, firstDefault}, {55 * s, firstDefault}, {56 * s, firstDefault}}, n.v4.take())
	})
}

func TestFailureIsTriedEach64Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, "resyncInterval: 1h", func(n *node) { n.v4.err = errors.New("the lock is held") })
		wait(260 * time.Second)
		var at []time.Duration
		for _, a := range n.v4.take() {
			at = append(at, a.At)
		}
		const s = time.Second
		check(t, "tried at", []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 127 * s, 191 * s, 255 * s}, at)
	})
}

func TestFailureIsNotTriedFasterForASignOfChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, missing, func(n *node) { n.v4.err, n.v4.change = errors.New("the lock is held"), netfilter.Changed })
		wait(10 * time.Second)
		var at []time.Duration
		for _, a := range n.v4.take() {
			at = append(at, a.At)
		}
		check(t, "tried at", []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}, at)
	})
}
