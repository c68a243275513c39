{{- /*
SPDX-License-Identifier: Apache-2.0
Copyright The ip-masq-agent Authors
*/ -}}

{{- /* name is the value of the label k8s-app, by which agents are found. */ -}}
{{- define "ip-masq-agent.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 36 | trimSuffix "-" -}}
{{- end -}}

{{- /*
fullname is the name of all objects. The name of the release is not part of it: two agents on one
node would write the same rules, so a second release has to fail.
*/ -}}
{{- define "ip-masq-agent.fullname" -}}
{{- default (include "ip-masq-agent.name" .) .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- end -}}

{{- /* checkName is the name of the Job that checks a DaemonSet, and of its ConfigMap. Argument: the DaemonSet's name. */ -}}
{{- define "ip-masq-agent.checkName" -}}
{{- . }}-check
{{- end -}}

{{- /* dashboardName is the name of the dashboard's ConfigMap. Argument: fullname. */ -}}
{{- define "ip-masq-agent.dashboardName" -}}
{{- . }}-dashboard
{{- end -}}

{{- define "ip-masq-agent.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "ip-masq-agent.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- /*
metadata of an object. Arguments: root, name, and optionally labels and annotations.
Without labels the field is left out.
*/ -}}
{{- define "ip-masq-agent.metadata" -}}
{{- $labels := merge (dict) (default dict .labels) (default dict .root.Values.commonLabels) -}}
name: {{ quote .name }}
namespace: {{ include "ip-masq-agent.namespace" .root | quote }}
{{- with $labels }}
labels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
