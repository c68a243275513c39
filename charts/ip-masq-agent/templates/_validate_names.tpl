{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /*
validateNames rejects names that two objects would have. Helm deletes the objects of the check by name,
before and after it runs, so a ConfigMap of such a name would be lost.
*/ -}}
{{- define "ip-masq-agent.validateNames" -}}
{{- $name := include "ip-masq-agent.fullname" . -}}
{{- /* managed has the names of the ConfigMaps that the chart creates with some values. */ -}}
{{- $managed := dict (include "ip-masq-agent.checkName" $name) true (include "ip-masq-agent.dashboardName" $name) true -}}
{{- range .Values.pools -}}
  {{- /* This holds without pools of the other name too, because a later upgrade may add them. */ -}}
  {{- if or (has .name (list "check" "dashboard")) (hasSuffix "-check" .name) -}}
    {{- fail (printf "pools: the pool name %q is reserved: the chart uses the name %s-%s for other objects. Choose a name that is not check or dashboard and does not end in -check, and set labelValues to [%s]" .name $name .name .name) -}}
  {{- end -}}
  {{- $_ := set $managed (include "ip-masq-agent.checkName" (printf "%s-%s" $name .name)) true -}}
{{- end -}}
{{- range $pool := prepend (default list .Values.pools) dict -}}
  {{- $instance := dict -}}
  {{- include "ip-masq-agent.instance" (dict "root" $ "pool" $pool "into" $instance) -}}
  {{- if $instance.ownConfig }}{{ $_ := set $managed $instance.name true }}{{ end -}}
{{- end -}}
{{- range $pool := prepend (default list .Values.pools) dict -}}
  {{- $instance := dict -}}
  {{- include "ip-masq-agent.instance" (dict "root" $ "pool" $pool "into" $instance) -}}
  {{- $where := ternary (printf "pool %s: " $pool.name) "" (hasKey $pool "name") -}}
  {{- if hasKey $managed (toString $instance.existingConfigMap) -}}
    {{- fail (printf "%sexistingConfigMap: the chart itself manages the ConfigMap %s: give yours another name" $where $instance.existingConfigMap) -}}
  {{- end -}}
  {{- $files := dict -}}
  {{- range $instance.extraConfigMaps -}}
    {{- if hasKey $managed .name -}}
      {{- fail (printf "%sextraConfigMaps: the chart itself manages the ConfigMap %s: give yours another name" $where .name) -}}
    {{- end -}}
    {{- $file := include "ip-masq-agent.extraFile" . -}}
    {{- if hasKey $files $file }}{{ fail (printf "%sextraConfigMaps: %s, key %s, is listed twice: remove one of them" $where .name (default "config" .key)) }}{{ end -}}
    {{- $_ := set $files $file true -}}
    {{- if gt (len $file) 255 -}}
      {{- fail (printf "%sextraConfigMaps: the file name %s has %d characters, but 255 is the maximum: shorten the ConfigMap's name or key" $where $file (len $file)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}
