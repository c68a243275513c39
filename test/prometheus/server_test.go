// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"ip-masq-agent/test/program"
)

// server is a running Prometheus.
type server struct {
	t *testing.T
}

const (
	agentAddress  = "127.0.0.1:10292"
	serverAddress = "127.0.0.1:9090"
)

// startPrometheus runs Prometheus with this scrape configuration and these
// rules until the end of the test. It scrapes and evaluates every second.
func startPrometheus(t *testing.T, scrape scrapeConfig, rules ruleFile) *server {
	t.Helper()
	dir := t.TempDir()
	scrape.Interval, scrape.Timeout = "1s", "1s"
	scrape.Kubernetes, scrape.Static = nil, pods(agentAddress)
	write := func(name string, content any) string {
		text, err := yaml.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	config := write("prometheus.yaml", map[string]any{
		"global":         map[string]any{"evaluation_interval": "1s"},
		"rule_files":     []string{write("rules.yaml", rules)},
		"scrape_configs": []scrapeConfig{scrape},
	})
	program.Start(t, exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+serverAddress))
	s := &server{t}
	program.WaitOK(t, "http://"+serverAddress+"/-/ready")
	return s
}

// get sends a request to the HTTP API of Prometheus and decodes the data of the
// response.
func (s *server) get(path string, parameters url.Values, data any) error {
	client := http.Client{Timeout: program.Patience}
	answer, err := client.Get("http://" + serverAddress + "/api/v1/" + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	reply := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if reply.Status != "success" {
		return fmt.Errorf("%s: %s", path, reply.Error)
	}
	return nil
}

// query returns the numeric values of an instant query.
func (s *server) query(expr string) ([]string, error) {
	var vector struct {
		Result []struct{ Value [2]any }
	}
	if err := s.get("query", url.Values{"query": {expr}}, &vector); err != nil {
		return nil, err
	}
	var values []string
	for _, r := range vector.Result {
		if value := fmt.Sprint(r.Value[1]); value != "NaN" {
			values = append(values, value)
		}
	}
	return values, nil
}

// waitFor waits until a query returns at least one number.
func (s *server) waitFor(expr string) {
	s.t.Helper()
	program.Eventually(s.t, func() string {
		values, err := s.query(expr)
		switch {
		case err != nil:
			return err.Error()
		case len(values) == 0:
			return "no data for " + expr
		}
		return ""
	})
}

// targets returns the labels of the targets that are up.
func (s *server) targets() ([]map[string]string, error) {
	var data struct {
		ActiveTargets []struct {
			Labels map[string]string
			Health string
		}
	}
	if err := s.get("targets", nil, &data); err != nil {
		return nil, err
	}
	var up []map[string]string
	for _, target := range data.ActiveTargets {
		if target.Health == "up" {
			up = append(up, target.Labels)
		}
	}
	return up, nil
}
