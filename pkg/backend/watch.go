// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package backend

import (
	"context"
	"time"

	"k8s.io/klog/v2"
)

// watchInterval is the interval at which Watch looks for a mark of the kubelet. It
// is the default of resyncInterval.
const watchInterval = time.Minute

// leftoversDelay keeps the search for leftovers from taking CPU time while the
// agent writes its first rules.
const leftoversDelay = 2 * time.Second

// Watch logs warnings about the choice of the backend: after leftoversDelay about
// leftovers, whose rules are in force beside the agent's, and later about a mark
// of the kubelet for another backend. It returns when there is a mark, or ctx is
// done.
func Watch(ctx context.Context, choice Choice, q Query) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(leftoversDelay):
	}
	warnOfLeftovers(ctx, choice, q)
	if choice.Marked {
		return
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if again, err := detect(ctx, q); err == nil && again.Marked {
			warnOfMark(ctx, choice, again)
			return
		}
	}
}

// warnOfMark warns if the kubelet uses another backend.
func warnOfMark(ctx context.Context, choice, now Choice) {
	if now.Backend == choice.Backend {
		return
	}
	klog.FromContext(ctx).Info("Warning: the kubelet has marked another backend than the one in use; restart this pod to change over, then remove the old rules with this command",
		"command", "ip-masq-agent cleanup --backend="+string(choice.Backend), "backend", choice.Backend, "marked", now.Backend, "reason", now.Reason)
}

// warnOfLeftovers warns about rules of another agent, or of this one in another
// backend.
func warnOfLeftovers(ctx context.Context, choice Choice, q Query) {
	log := klog.FromContext(ctx)
	leftovers, err := Leftovers(ctx, choice.Backend, q.Chain)
	if err != nil && ctx.Err() == nil {
		log.Error(err, "Could not look for leftovers")
	}
	for _, l := range leftovers {
		switch {
		case !l.Reached:
			continue
		case l.Backend == NFTables, l.Chain == q.Chain:
			log.Info("Warning: rules of this agent are in another backend too, and are in force; remove them with this command",
				"command", "ip-masq-agent cleanup --backend="+string(l.Backend), "backend", l.Backend, "family", l.Family, "chain", l.Chain)
		default:
			log.Info("Warning: POSTROUTING goes to the chain of another agent too, and the chain that masquerades first decides; delete that agent, then run this command",
				"command", "ip-masq-agent cleanup --masq-chain="+l.Chain, "backend", l.Backend, "family", l.Family, "chain", l.Chain)
		}
	}
}
