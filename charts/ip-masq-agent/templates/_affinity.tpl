{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /* labelValues are the values of poolLabel on the nodes of a pool. */ -}}
{{- define "ip-masq-agent.labelValues" -}}
{{- default (list .name) .labelValues | toJson -}}
{{- end -}}

{{- /*
affinity is an instance's affinity, with one more condition if there are pools: the node's poolLabel
has a value of this pool, or, for the first DaemonSet, of no pool. A node has one value of a label,
and no value is in two pools, so exactly one of the DaemonSets selects it. The terms of a node
affinity are alternatives, so each gets the condition. Arguments: root, instance.
*/ -}}
{{- define "ip-masq-agent.affinity" -}}
{{- $affinity := deepCopy (default dict .instance.affinity) -}}
{{- with .root.Values.pools -}}
  {{- $condition := dict "key" $.root.Values.poolLabel -}}
  {{- $values := list -}}
  {{- range . -}}
    {{- if or (not $.instance.pool) (eq .name (toString $.instance.pool)) -}}
      {{- $values = concat $values (include "ip-masq-agent.labelValues" . | fromJsonArray) -}}
    {{- end -}}
  {{- end -}}
  {{- $_ := set $condition "operator" (ternary "In" "NotIn" (not (empty $.instance.pool))) -}}
  {{- $_ := set $condition "values" $values -}}
  {{- $node := default dict $affinity.nodeAffinity -}}
  {{- $required := default dict $node.requiredDuringSchedulingIgnoredDuringExecution -}}
  {{- $terms := list -}}
  {{- range $required.nodeSelectorTerms -}}
    {{- /* An empty term matches no node, and must not begin to match some. */ -}}
    {{- if or .matchExpressions .matchFields -}}
      {{- $_ := set . "matchExpressions" (append (default list .matchExpressions) $condition) -}}
    {{- end -}}
    {{- $terms = append $terms . -}}
  {{- else -}}
    {{- $terms = list (dict "matchExpressions" (list $condition)) -}}
  {{- end -}}
  {{- $_ := set $required "nodeSelectorTerms" $terms -}}
  {{- $_ := set $node "requiredDuringSchedulingIgnoredDuringExecution" $required -}}
  {{- $_ := set $affinity "nodeAffinity" $node -}}
{{- end -}}
{{- with $affinity }}{{ toYaml . }}{{ end -}}
{{- end -}}
