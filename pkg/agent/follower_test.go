// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package agent

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// follower is a source with its file and its log.
type follower struct {
	t      *testing.T
	source *source
	logger klog.Logger
	read   int // of the log
	writes int
}

func newFollower(t *testing.T) *follower {
	logger := ktesting.NewLogger(ktesting.NopTL{}, ktesting.NewConfig(ktesting.BufferLogs(true)))
	return &follower{t: t, logger: logger, source: &source{path: filepath.Join(t.TempDir(), "ip-masq-agent")}}
}

// poll returns what the source found out: the first range of the desired state,
// "invalid", or "same"; and what it logged.
func (f *follower) poll() (found, log string) {
	f.t.Helper()
	w, changed := f.source.poll(f.logger)
	all := f.logger.GetSink().(ktesting.Underlier).GetBuffer().String()
	log, f.read = all[f.read:], len(all)
	switch {
	case !changed:
		return "same", log
	case w.status.Err != nil:
		return "invalid", log
	case len(w.config.NonMasquerade) == 0:
		return "none", log
	}
	return w.config.NonMasquerade[0].String(), log
}

// step is what happens to the file, and what the next poll finds.
type step struct {
	do, content string // "write" in place, "replace", "remove", or "" for nothing
	want        string
	logs        string // a part of what is logged
}

func (f *follower) do(s step) {
	f.t.Helper()
	var err error
	switch s.do {
	case "write":
		if err = os.WriteFile(f.source.path, []byte(s.content), 0o600); err == nil {
			f.writes++ // at times that differ, as those of writers do
			err = os.Chtimes(f.source.path, time.Time{}, time.Unix(int64(f.writes), 0))
		}
	case "replace":
		if err = os.WriteFile(f.source.path+".new", []byte(s.content), 0o600); err == nil {
			err = os.Rename(f.source.path+".new", f.source.path)
		}
	case "remove":
		err = os.Remove(f.source.path)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}
