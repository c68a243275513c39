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
	Processes float64 // per sync
	Writes    float64 // per sync
}

// count runs a side with scripts in its PATH that record each call. The scripts
// cost time, so this is a separate run. Writes are commits to the rule set of
// nft, or with legacy calls of restore.
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
		before, err := readSign(t.Backend)
		if err != nil {
			return err
		}
		w, err := run.window(func() error { time.Sleep(p.Ticks); return run.settle(30 * time.Millisecond) })
		if err != nil {
			return err
		}
		after, err := readSign(t.Backend)
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

// ignoreMissing ignores that the file does not exist, because the first call
// creates it.
func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
