{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /*
instance fills the dictionary into with the values of one DaemonSet: the chart's values, replaced by
those that the pool sets. It adds name, configMap (the name of the ConfigMap to mount) and ownConfig
(the keys of a ConfigMap to create). Arguments: root, pool (empty for the first DaemonSet), into.
*/ -}}
{{- define "ip-masq-agent.instance" -}}
{{- $into := .into -}}
{{- $pool := .pool -}}
{{- $name := include "ip-masq-agent.fullname" .root -}}
{{- range $key, $value := .root.Values }}{{ $_ := set $into $key $value }}{{ end -}}
{{- range $key, $value := $pool }}{{ $_ := set $into $key $value }}{{ end -}}
{{- $_ := set $into "pool" $pool.name -}}
{{- $_ := set $into "configMap" (default $name .root.Values.existingConfigMap) -}}
{{- $_ := set $into "ownConfig" .root.Values.config -}}
{{- if $pool.name -}}
  {{- $name = printf "%s-%s" $name $pool.name -}}
  {{- $_ := set $into "ownConfig" $pool.config -}}
  {{- if hasKey $pool "config" }}{{ $_ := set $into "configMap" $name }}{{ $_ := set $into "existingConfigMap" "" }}{{ end -}}
  {{- if $pool.existingConfigMap }}{{ $_ := set $into "configMap" $pool.existingConfigMap }}{{ $_ := set $into "config" dict }}{{ end -}}
{{- end -}}
{{- $_ := set $into "name" $name -}}
{{- end -}}

{{- /*
selector has the labels that select the pods of an instance. All agents have k8s-app in common, because
monitors and the commands of the documentation find them by it. The first DaemonSet has no other label
to select by, as in manifests/ip-masq-agent.yaml, so its selector matches the pods of pools too.
*/ -}}
{{- define "ip-masq-agent.selector" -}}
k8s-app: {{ include "ip-masq-agent.name" .root | quote }}
{{- with .instance.pool }}
pool: {{ quote . }}
{{- end }}
{{- end -}}

{{- /* ruleArgs are the flags of an instance that the agent and its subcommand check share. */ -}}
{{- define "ip-masq-agent.ruleArgs" -}}
- --masq-chain={{ .masqChain }}
{{- if .nomasqAllReservedRanges }}
- --nomasq-all-reserved-ranges
{{- end }}
{{- if not .randomFully }}
- --random-fully=false
{{- end }}
{{- with .toPorts }}
- --to-ports={{ . }}
{{- end }}
{{- if eq (toString .enableIPv6) "true" }}
- --enable-ipv6
{{- else if eq (toString .enableIPv6) "auto" }}
- --enable-ipv6=auto
{{- end }}
{{- if ne .backend "auto" }}
- --backend={{ .backend }}
{{- end }}
{{- end -}}

{{- /* args are all flags of an instance's agent. */ -}}
{{- define "ip-masq-agent.args" -}}
{{- include "ip-masq-agent.ruleArgs" . }}
{{- if .extraConfigMaps }}
- --config=/etc/config
{{- end }}
{{- if .metrics.nodeIP }}
- --http-bind-address=[$(NODE_IP)]:{{ .metrics.port }}
{{- else if ne (int .metrics.port) 10292 }}
- --http-bind-address=127.0.0.1:{{ .metrics.port }}
{{- end }}
{{- if .logLevel }}
- --v={{ .logLevel }}
{{- end }}
{{- with .args }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /*
configVolume is where an instance's configuration comes from: one ConfigMap, or, with
extraConfigMaps, a directory of files. Arguments: configMap, extraConfigMaps.
*/ -}}
{{- define "ip-masq-agent.configVolume" -}}
{{- if .extraConfigMaps -}}
projected:
  sources:
  - configMap:
      name: {{ quote .configMap }}
      optional: true
      items:
      - key: config
        path: ip-masq-agent
  {{- range .extraConfigMaps }}
  - configMap:
      name: {{ quote .name }}
      optional: true
      items:
      - key: {{ default "config" .key | quote }}
        path: {{ include "ip-masq-agent.extraFile" . | quote }}
  {{- end }}
{{- else -}}
configMap:
  name: {{ quote .configMap }}
  # Without the ConfigMap the agent uses its defaults. It finds one that is created later.
  optional: true
  items:
  - key: config
    path: ip-masq-agent
{{- end }}
{{- end -}}

{{- /*
extraFile is the file of one of extraConfigMaps, which the agent's messages name. The first
ConfigMap's file is ip-masq-agent.
*/ -}}
{{- define "ip-masq-agent.extraFile" -}}
{{- $key := default "config" .key -}}
{{- .name }}{{ if or (ne $key "config") (eq .name "ip-masq-agent") }}.{{ $key }}{{ end -}}
{{- end -}}
