// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package chart

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func valuesYAML(t *testing.T) (values map[string]any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readText(t, chart+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// isGroup reports whether the table has a row for each part of a value instead
// of one row for the value.
func isGroup(name string) bool {
	switch name {
	case "image", "metrics", "podMonitor", "prometheusRule", "dashboard":
		return true
	}
	return false
}

// defaults returns the default of each value in values.yaml as JSON, by path.
func defaults(t *testing.T) map[string]string {
	t.Helper()
	values := valuesYAML(t)
	all := map[string]string{}
	add := func(path string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(text)
	}
	for name, value := range values {
		parts, ok := value.(map[string]any)
		if !ok || !isGroup(name) {
			add(name, value)
			continue
		}
		for part, value := range parts {
			add(name+"."+part, value)
		}
	}
	return all
}

// TestREADMEHasEachValue checks that the table has each value of values.yaml
// with its default and a description.
func TestREADMEHasEachValue(t *testing.T) {
	_, table, _ := strings.Cut(readText(t, chart+"/README.md"), "\n## Values\n")
	table, _, _ = strings.Cut(table, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\| `([^`]+)` \\| .*\\w.* \\|$")
	got := map[string]string{}
	for _, cells := range row.FindAllStringSubmatch(table, -1) {
		got[cells[1]] = cells[2]
	}
	if diff := cmp.Diff(defaults(t), got); diff != "" {
		t.Errorf("values.yaml and the table of README.md (-values.yaml +README.md):\n%s", diff)
	}
}

// TestSchemaHasEachValue checks that the schema has exactly the values of
// values.yaml and those that Helm adds.
func TestSchemaHasEachValue(t *testing.T) {
	values := valuesYAML(t)
	values["global"] = nil
	if diff := cmp.Diff(sortedKeys(values), sortedKeys(schema(t).Properties)); diff != "" {
		t.Errorf("values.yaml and values.schema.json (-values.yaml +schema):\n%s", diff)
	}
}

// TestREADMESaysWhatAPoolCanSet compares the list in the README with the
// schema.
func TestREADMESaysWhatAPoolCanSet(t *testing.T) {
	text := readText(t, chart+"/README.md")
	_, sentence, _ := strings.Cut(text, "A pool can set ")
	sentence, _, _ = strings.Cut(sentence, ".")
	said := map[string]bool{"name": true, "labelValues": true}
	for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(sentence, -1) {
		said[name[1]] = true
	}
	flags := regexp.MustCompile("(?s)\\| `masqChain` .*\\| `args` ").FindString(text)
	for _, name := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch("\n"+flags, -1) {
		said[name[1]] = true
	}
	if diff := cmp.Diff(sortedKeys(schema(t).Properties["pools"].Items.Properties), sortedKeys(said)); diff != "" {
		t.Errorf("what a pool can set (-schema +README.md):\n%s", diff)
	}
}

// TestExamplesRender renders the chart with each example of the documentation,
// and with each commented example of values.yaml.
func TestExamplesRender(t *testing.T) {
	install := readText(t, repository+"/docs/install.md")
	_, install, found := strings.Cut(install, "\n## Helm\n")
	if !found {
		t.Fatal("docs/install.md has no section Helm")
	}
	install, _, _ = strings.Cut(install, "\n## ")
	fence := regexp.MustCompile("(?s)\n```yaml\n(.*?)```")
	comment := regexp.MustCompile(`For example:\n#\n((?:#.*\n)+)`)
	uncomment := regexp.MustCompile(`(?m)^# ?`)
	for file, examples := range map[string][][]string{
		"docs/install.md":        fence.FindAllStringSubmatch(install, -1),
		"README.md of the chart": fence.FindAllStringSubmatch(readText(t, chart+"/README.md"), -1),
		"values.yaml":            comment.FindAllStringSubmatch(readText(t, chart+"/values.yaml"), -1),
	} {
		if len(examples) == 0 {
			t.Errorf("%s has no examples", file)
		}
		for _, example := range examples {
			text := example[1]
			if file == "values.yaml" {
				text = uncomment.ReplaceAllString(text, "")
			}
			var values map[string]any
			if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil || len(values) == 0 {
				t.Errorf("%s: %v in the example:\n%s", file, err, text)
				continue
			}
			release(t, text)
		}
	}
}
