// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

// Package docs_test answers: does the README know every flag, every metric and
// every key of the file? A table row of it begins with the name in backquotes.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ip-masq-agent/pkg/agent"
	"ip-masq-agent/pkg/netfilter"
	"ip-masq-agent/pkg/status"
)

const root = "../.."

// rows returns the README's table rows whose first cell has a name in backquotes
// that matches, by that name: the other cells.
func rows(t *testing.T, name *regexp.Regexp) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) < 2 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		for _, quoted := range regexp.MustCompile("`[^`]+`").FindAllString(cells[0], -1) {
			if n := strings.Trim(quoted, "`"); name.MatchString(n) {
				found[n] = cells[1:]
			}
		}
	}
	return found
}

func TestREADMEKnowsEveryFlag(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ip-masq-agent")
	if out, err := exec.Command("go", "build", "-o", binary, "ip-masq-agent/cmd/ip-masq-agent").CombinedOutput(); err != nil {
		t.Fatalf("building the agent: %v\n%s", err, out)
	}
	help := func(args ...string) string {
		out, err := exec.Command(binary, append(args, "--help")...).Output()
		if err != nil {
			t.Fatalf("%v --help: %v", args, err)
		}
		return string(out)
	}
	known := rows(t, regexp.MustCompile(`^--?[a-z]`))

	texts := map[string]string{"": help()}
	for _, verb := range regexp.MustCompile(`(?m)^  ip-masq-agent ([a-z]+)\b`).FindAllStringSubmatch(texts[""], -1) {
		texts[verb[1]] = help(verb[1])
	}
	flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-zA-Z][\w-]*)`)
	real := map[string]bool{"-v": true}
	for verb, text := range texts {
		text, klog, _ := strings.Cut(text, "\nLogging (klog):")
		klog, rest, _ := strings.Cut(klog, "\n\n") // the group ends with an empty line
		for _, f := range flag.FindAllStringSubmatch(text+rest, -1) {
			real["--"+f[1]] = true
			if known["--"+f[1]] == nil {
				t.Errorf("no row for --%s of ip-masq-agent %s", f[1], verb)
			}
		}
		for _, f := range flag.FindAllStringSubmatch(klog, -1) {
			real["--"+f[1]] = true // klog's own are named in one row
		}
	}
	if len(real) < 10 {
		t.Errorf("found %d flags in --help", len(real))
	}
	for f := range known {
		if !real[f] {
			t.Errorf("there is no flag %s", f)
		}
	}
}

func TestREADMEKnowsEveryKey(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "pkg/config/key.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := rows(t, regexp.MustCompile(`^[a-z]+[a-zA-Z0-9]*$`))
	keys := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "key") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			keys++
			key, err := strconv.Unquote(literal.Value)
			if err != nil || known[key] == nil {
				t.Errorf("no row for the key %s", literal.Value)
			}
		}
		return true
	})
	if keys < 6 {
		t.Errorf("found %d keys in pkg/config/key.go", keys)
	}
}

// metric is a row of the README: name, type and labels.
type metric struct {
	Type   string
	Labels []string
}

func TestREADMEKnowsEveryMetric(t *testing.T) {
	want := exported(t)
	got := map[string]metric{}
	for name, cells := range rows(t, regexp.MustCompile(`^ip_masq_agent_`)) {
		m := metric{Type: cells[0]}
		for _, l := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			m.Labels = append(m.Labels, l[1])
		}
		slices.Sort(m.Labels)
		got[name] = m
		if len(cells) < 3 || cells[2] == "" {
			t.Errorf("%s: the row does not say what it means", name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics of the agent, and of the README (-want +got):\n%s", diff)
	}
}

// exported reads /metrics of an agent of which everything was told.
func exported(t *testing.T) map[string]metric {
	t.Helper()
	s := status.New("v1.2.3", []netfilter.Family{netfilter.IPv4})
	s.ConfigRead(agent.ConfigStatus{Source: agent.FromFile, Hash: "0123"})
	s.SetBackend(netfilter.IPv4, "nftables")
	s.PassStarted(netfilter.IPv4)
	s.PassEnded(netfilter.IPv4, agent.Pass{Source: agent.FromFile, Rules: 3, Took: 1})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))

	all := map[string]metric{}
	current := ""
	for line := range strings.Lines(w.Body.String()) {
		if f := strings.Fields(line); f[0] == "#" {
			if f[1] == "TYPE" {
				current = f[2]
				all[current] = metric{Type: f[3]}
			}
			continue
		}
		m := all[current]
		for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(line, -1) {
			if l[1] != "le" && !slices.Contains(m.Labels, l[1]) {
				m.Labels = append(m.Labels, l[1])
			}
		}
		slices.Sort(m.Labels)
		all[current] = m
	}
	// Those of client_golang's collectors are named as a group.
	maps.DeleteFunc(all, func(name string, _ metric) bool {
		return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
	})
	return all
}

// TestInvariantsHaveTheirTests: each test that the README names as the proof of
// something that always holds is there.
func TestInvariantsHaveTheirTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "Eight things always hold.")
	list, _, _ = strings.Cut(list, "\n\nOf jumps")
	names := regexp.MustCompile("\\(`(Test[A-Za-z]+)`\\)").FindAllStringSubmatch(list, -1)
	if len(names) != 8 {
		t.Fatalf("the README names %d tests, want 8: %q", len(names), names)
	}
	var code strings.Builder
	for _, dir := range []string{"pkg", "test"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		if !strings.Contains(code.String(), "func "+name[1]+"(t *testing.T)") {
			t.Errorf("there is no test %s", name[1])
		}
	}
}
