// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running side.
type process struct {
	cmd   *exec.Cmd
	group *cgroup
	log   *os.File
	began time.Time
	// toRules is the CPU time until its rules are in force.
	toRules time.Duration
}

// start starts a side on the table of this namespace, with env added to its
// environment.
func start(p plan, s side, t *table, interval time.Duration, env ...string) (*process, error) {
	dir, err := os.MkdirTemp("", string(s))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte("resyncInterval: "+interval.String()+"\n"), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	group, err := newCgroup()
	if err != nil {
		return nil, err
	}
	cmd := s.command(p.Agent, t.Backend, file, interval)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	return &process{cmd: cmd, group: group, log: log, began: began}, group.start(cmd.SysProcAttr, cmd.Start)
}

// settle waits until the process has had no child processes for a while, so
// that it is between two syncs.
func (p *process) settle(quiet time.Duration) error {
	since := time.Now()
	for deadline := since.Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s ended; its log is: %s", p.cmd.Path, p.logged())
		}
		for _, f := range files {
			if children, _ := os.ReadFile(f); len(children) > 0 {
				since = time.Now()
			}
		}
		if time.Since(since) >= quiet {
			return nil
		}
	}
	return fmt.Errorf("%s is not idle for %v", p.cmd.Path, quiet)
}

const syncsMetric = `ip_masq_agent_syncs_total{family="IPv4",result="success"}`

// syncs returns the number of syncs so far, from the metrics of the process.
func (p *process) syncs() (int, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), syncsMetric+" ")
	if !found {
		return 0, fmt.Errorf("no %s among the metrics", syncsMetric)
	}
	number, _, _ := strings.Cut(after, "\n")
	return strconv.Atoi(number)
}

func (p *process) logged() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}
