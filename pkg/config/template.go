// SPDX-License-Identifier: Apache-2.0
// Copyright The ip-masq-agent Authors

package config

import (
	"bytes"
	"regexp"
)

// templateExpression matches the expressions of Helm, Jinja, envsubst and
// Kubernetes: {{ .PodCIDR }}, {% if ipv6 %}, ${POD_CIDR}, $(POD_CIDR). They are in
// the file if nothing rendered the template.
var templateExpression = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}|\$\{.*?\}|\$\(.*?\)`)

var templateMessage = message{"is a template that was not rendered", "render it before it becomes a ConfigMap, for example with helm template or envsubst"}

// findTemplate returns the first template expression outside comments and its
// line; line 0 if there is none.
func findTemplate(data []byte) (line int, text string) {
	for i, l := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimSpace(l), []byte("#")) {
			continue
		}
		if found := templateExpression.Find(l); found != nil {
			return i + 1, string(found)
		}
	}
	return 0, ""
}
