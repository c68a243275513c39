// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryKeyIsDocumented: docs/configuration.md has a row for each key of pkg/config.
func TestEveryKeyIsDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "pkg/config/key.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := rows(t, "docs/configuration.md", regexp.MustCompile(`^[a-z]+[a-zA-Z0-9]*$`))
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
