// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"regexp"
)

// unrendered is what a template leaves in a file if nobody fills it in:
// {{ .PodCIDR }}, {% if ipv6 %}, ${POD_CIDR}, $(POD_CIDR).
var unrendered = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}|\$\{.*?\}|\$\(.*?\)`)

var templateFault = fault{"is a template that was not rendered", "put in its value before it becomes the ConfigMap, as helm template or envsubst do"}

// findTemplate returns the first such text of a file and its line, outside
// comments; line 0 if there is none.
func findTemplate(data []byte) (line int, text string) {
	for i, l := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimSpace(l), []byte("#")) {
			continue
		}
		if found := unrendered.Find(l); found != nil {
			return i + 1, string(found)
		}
	}
	return 0, ""
}
