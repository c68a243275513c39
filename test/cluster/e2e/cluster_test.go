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

// Bounds, not expectations: a wait ends as soon as what it waits for is there.
const (
	commandLimit = 3 * time.Minute
	// A kubelet looks at a changed ConfigMap once a minute by default, and
	// its cache of them may be as old again.
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

// checkCluster refuses a cluster that somebody's agent already runs in: the
// tests would replace and then delete it.
func checkCluster() error {
	if os.Getenv("KUBECTL") == "" || os.Getenv("IMAGE") == "" {
		return fmt.Errorf("KUBECTL and IMAGE say which cluster and which image; \"make e2e\" sets them")
	}
	out, err := run("", os.Getenv("KUBECTL"), "get", "daemonsets,configmaps", "-n", "kube-system", "-o", "name")
	if err != nil {
		return fmt.Errorf("asking for the cluster's DaemonSets: %w: %s", err, out)
	}
	for line := range strings.Lines(out) {
		if strings.HasSuffix(strings.TrimSpace(line), "/ip-masq-agent") {
			return fmt.Errorf("this cluster has a %s in kube-system, which the tests would replace", strings.TrimSpace(line))
		}
	}
	return nil
}

// run gives what a command printed, on both of its outputs.
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

// kubectl is a command that must succeed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return kubectlWith(t, "", args...)
}

// kubectlWith is the same, with an input.
func kubectlWith(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := run(stdin, os.Getenv("KUBECTL"), args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// kubectlFails is a command that must fail, with these words.
func kubectlFails(t *testing.T, words string, args ...string) {
	t.Helper()
	out, err := run("", os.Getenv("KUBECTL"), args...)
	if err == nil || !strings.Contains(out, words) {
		t.Fatalf("kubectl %s: want a failure with %q, got %v\n%s", strings.Join(args, " "), words, err, out)
	}
}

// eventually waits until check has no complaint.
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

// seconds is a duration as the reports print it.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%.2f s", d.Seconds())
}
