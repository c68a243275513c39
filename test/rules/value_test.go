// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package rules

import (
	"encoding/json"
	"testing"
)

// TestTexts: nft up to 1.1.3 prints one flag as a string, and nft 1.1.7 as a list.
func TestTexts(t *testing.T) {
	for object, want := range map[string]string{
		`null`:                                  "",
		`{"flags": "fully-random"}`:             "fully-random",
		`{"flags": ["fully-random"]}`:           "fully-random",
		`{"flags": ["random", "fully-random"]}`: "random fully-random",
	} {
		var data any
		if err := json.Unmarshal([]byte(object), &data); err != nil {
			t.Fatal(err)
		}
		if got := texts(data, "flags"); got != want {
			t.Errorf("texts(%s) = %q, want %q", object, got, want)
		}
	}
}
