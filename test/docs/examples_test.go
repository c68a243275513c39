// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExamplesAreWhatIsChecked: the configuration that a page shows under the name
// of a file is the file of testdata that the commands on the page are run with.
func TestExamplesAreWhatIsChecked(t *testing.T) {
	example := regexp.MustCompile("(?ms)^```yaml\n# (\\w+\\.yaml)\n(.*?)^```$")
	comment := regexp.MustCompile(`(?m)^#.*\n`)
	compared := 0
	for _, m := range example.FindAllStringSubmatch(page(t, "docs/configuration.md"), -1) {
		file, err := os.ReadFile(filepath.Join("testdata", m[1]))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(comment.ReplaceAllString(string(file), ""), m[2]); diff != "" {
			t.Errorf("%s (-file +page):\n%s", m[1], strings.TrimSpace(diff))
		}
		compared++
	}
	if compared < 2 {
		t.Errorf("found %d examples, want exception.yaml and sources.yaml", compared)
	}
}
