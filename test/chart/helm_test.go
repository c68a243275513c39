// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	repository = "../.."
	chart      = repository + "/charts/ip-masq-agent"
)

// programs is the environment variable with the directory of the programs that
// TestMain builds: helm and ip-masq-agent.
const programs = "IP_MASQ_AGENT_TEST_CHART_PROGRAMS"

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ip-masq-agent-chart-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, build := range [][]string{
		{repository + "/test/helm.sh", dir},
		{"go", "build", "-C", repository, "-o", dir, "./cmd/ip-masq-agent"},
	} {
		if out, err := exec.Command(build[0], build[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", strings.Join(build, " "), err, out)
			return 1
		}
	}
	// Do not use the caches and settings of the user's helm.
	for _, home := range []string{"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"} {
		os.Setenv(home, filepath.Join(dir, "home"))
	}
	os.Setenv(programs, dir)
	return m.Run()
}

// run runs one of the programs and returns its standard output. The error
// contains its standard error.
func run(stdin, program string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(os.Getenv(programs), program), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), err
}

func helm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run("", "helm", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// render runs "helm template" with these values.
func render(values string) (string, error) {
	return run(values, "helm", "template", "any-release", chart, "--values", "-")
}

// rejects checks that helm fails with a message that contains this one.
func rejects(t *testing.T, values, message string) {
	t.Helper()
	out, err := render(values)
	if err == nil {
		t.Errorf("values are accepted:\n%s\n%s", values, out)
		return
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if !strings.Contains(err.Error(), message) {
		t.Errorf("values:\n%s\nwant an error with:\n%s\ngot:\n%v", values, message, err)
	}
}

func TestLint(t *testing.T) {
	out := helm(t, "lint", "--strict", chart)
	if strings.Contains(out, "WARNING") {
		t.Error(out)
	}
}
