// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Time limits. A wait ends as soon as its condition is true.
const (
	commandLimit = 3 * time.Minute
	// By default a kubelet syncs a changed ConfigMap once per minute, and its
	// cache of ConfigMaps may be one minute old.
	editLimit = 3 * time.Minute
	podLimit  = 3 * time.Minute
)

func TestMain(m *testing.M) {
	if err := checkCluster(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// checkCluster returns an error if the cluster already has an agent, because
// the tests would replace and then delete it.
func checkCluster() error {
	if os.Getenv("KUBECTL") == "" || os.Getenv("IMAGE") == "" {
		return fmt.Errorf("set KUBECTL and IMAGE to the cluster and the image, or use \"make e2e\"")
	}
	out, err := run("", os.Getenv("KUBECTL"), "get", "daemonsets,configmaps", "-n", "kube-system", "-o", "name")
	if err != nil {
		return fmt.Errorf("reading the cluster's DaemonSets: %w: %s", err, out)
	}
	for line := range strings.Lines(out) {
		if strings.HasSuffix(strings.TrimSpace(line), "/ip-masq-agent") {
			return fmt.Errorf("this cluster has a %s in kube-system, which the tests would replace", strings.TrimSpace(line))
		}
	}
	return nil
}

// run runs a command and returns its standard output and standard error.
func run(stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(out), err
}

// kubectl runs a kubectl command, which must succeed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return kubectlWith(t, "", args...)
}

// kubectlWith is kubectl with an input.
func kubectlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := run(stdin, os.Getenv("KUBECTL"), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// kubectlFails runs a kubectl command that must fail with an error that
// contains text.
func kubectlFails(t *testing.T, text string, args ...string) {
	t.Helper()
	out, err := run("", os.Getenv("KUBECTL"), args...)
	if err == nil || !strings.Contains(out, text) {
		t.Fatalf("kubectl %s: want a failure with %q, got %v\n%s", strings.Join(args, " "), text, err, out)
	}
}

// eventually waits until check returns no error.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// seconds formats a duration for the log.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.2f s", d.Seconds())
}
