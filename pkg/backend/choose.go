// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/klog/v2"
)

const (
	// detectTimeout is the time limit of one detection, so that the agent can
	// report a command that hangs.
	detectTimeout = 15 * time.Second
	// detectRetry is the pause after an incomplete detection.
	detectRetry = time.Second
)

var errDetectTimeout = fmt.Errorf("the detection was ended after %v: a command of iptables hangs, or the node is overloaded", detectTimeout)

// Choose detects the backend and logs the choice. After an incomplete detection it
// calls pending with the reason, and retries. It returns an error if there is no
// usable backend, or if ctx is done.
func Choose(ctx context.Context, q Query, pending func(error)) (Choice, error) {
	log := klog.FromContext(ctx)
	logged := ""
	for {
		pending(nil)
		choice, err := detect(ctx, q)
		switch {
		case err == nil:
			log.Info("Chose the backend", "backend", choice.Backend, "reason", choice.Reason)
			if choice.Unread != nil {
				log.Error(choice.Unread, "Could not read everything that the choice of the backend depends on; if it is wrong, set --backend")
			}
			return choice, nil
		case ctx.Err() != nil:
			return Choice{}, ctx.Err()
		case errors.Is(err, ErrNone):
			return Choice{}, err
		}
		pending(err)
		if err.Error() != logged {
			log.Error(err, "Failed to choose the backend, will retry; --backend names one without asking the others")
			logged = err.Error()
		}
		select {
		case <-ctx.Done():
		case <-time.After(detectRetry):
		}
	}
}

func detect(ctx context.Context, q Query) (Choice, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, detectTimeout, errDetectTimeout)
	defer cancel()
	return Detect(ctx, q)
}
