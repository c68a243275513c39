{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /* validate rejects what values.schema.json cannot: values that contradict each other. */ -}}
{{- define "ip-masq-agent.validate" -}}
{{- if and (default dict .Values.podMonitor).enabled (not .Values.metrics.nodeIP) -}}
  {{- fail "podMonitor.enabled: Prometheus cannot reach 127.0.0.1 of a node: set metrics.nodeIP to true" -}}
{{- end -}}
{{- if and .Values.pools (not .Values.poolLabel) -}}
  {{- fail "pools: set poolLabel to the label of nodes that says which pool a node is in" -}}
{{- end -}}
{{- $names := dict -}}
{{- $values := dict -}}
{{- range .Values.pools -}}
  {{- if hasKey $names .name }}{{ fail (printf "pools: two pools have the name %q: give each its own" .name) }}{{ end -}}
  {{- $_ := set $names .name true -}}
  {{- $pool := .name -}}
  {{- range $value := include "ip-masq-agent.labelValues" . | fromJsonArray -}}
    {{- with get $values $value }}{{ fail (printf "pools: the pools %q and %q both have the nodes %q: give each its own labelValues" . $pool $value) }}{{ end -}}
    {{- $_ := set $values $value $pool -}}
  {{- end -}}
{{- end -}}
{{- range $pool := prepend (default list .Values.pools) dict -}}
  {{- $instance := dict -}}
  {{- include "ip-masq-agent.instance" (dict "root" $ "pool" $pool "into" $instance) -}}
  {{- $where := ternary (printf "pool %s: " $pool.name) "" (hasKey $pool "name") -}}
  {{- if and $instance.ownConfig (ternary $pool.existingConfigMap $.Values.existingConfigMap (hasKey $pool "name")) -}}
    {{- fail (printf "%sconfig and existingConfigMap are both set: remove one of them" $where) -}}
  {{- end -}}
  {{- if eq (toString $instance.enableIPv6) "false" -}}
    {{- range $key := list "nonMasqueradeCIDRs" "masqueradeCIDRs" "sourceCIDRs" -}}
      {{- range default list (get (default dict $instance.config) $key) -}}
        {{- if contains ":" . -}}
          {{- fail (printf "%sconfig.%s: %q is an IPv6 CIDR: set enableIPv6 to true or auto, or remove the entry" $where $key .) -}}
        {{- end -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- range $label := list "k8s-app" "pool" -}}
    {{- if hasKey (default dict $instance.podLabels) $label }}{{ fail (printf "%spodLabels: the label %s selects the pods: remove it" $where $label) }}{{ end -}}
  {{- end -}}
  {{- include "ip-masq-agent.validateFlags" (dict "where" $where "instance" $instance) -}}
{{- end -}}
{{- include "ip-masq-agent.validateNames" . -}}
{{- end -}}
