// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// counts is what a side starts and writes while nothing changes.
type counts struct {
	Processes float64 // a tick
	Writes    float64 // a tick
}

// count runs a side with commands in its PATH that write down each call. They
// cost time of their own, so this is a run apart. Writes are commits to the
// rule set in nft; in legacy, which counts none, they are calls of restore.
func count(p plan, s side, t *table) (c counts, err error) {
	dir, err := os.MkdirTemp("", "counting")
	if err != nil {
		return c, err
	}
	for _, name := range t.tools() {
		path, err := exec.LookPath(name)
		if err != nil {
			return c, err
		}
		script := fmt.Sprintf("#!/bin/sh\necho %s >>%s/calls\nexec %s \"$@\"\n", name, dir, path)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			return c, err
		}
	}
	calls := func() (all, restores int, err error) {
		text, err := os.ReadFile(filepath.Join(dir, "calls"))
		return strings.Count(string(text), "\n"), strings.Count(string(text), "-restore\n"), ignoreMissing(err)
	}
	err = during(p, s, t, tickInterval, func(run *process, _ time.Time) error {
		all, restores, err := calls()
		if err != nil {
			return err
		}
		before, err := look(t.Backend)
		if err != nil {
			return err
		}
		w, err := run.window(func() error { time.Sleep(p.Ticks); return run.settle(30 * time.Millisecond) })
		if err != nil {
			return err
		}
		after, err := look(t.Backend)
		if err != nil {
			return err
		}
		allNow, restoresNow, err := calls()
		writes := int(after.generation - before.generation)
		if t.Backend == iptablesLegacy {
			writes = restoresNow - restores
		}
		ticks := float64(max(w.ticks, 1))
		c = counts{Processes: float64(allNow-all) / ticks, Writes: float64(writes) / ticks}
		return err
	}, "PATH="+dir+":"+os.Getenv("PATH"))
	return c, err
}

// ignoreMissing is for a file that the first call creates.
func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
