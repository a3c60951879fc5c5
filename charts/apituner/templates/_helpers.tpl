{{/* The chart's name, or what the values call it. */}}
{{- define "apituner.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of every object: the release's name, with the chart's where it does not already hold it. */}}
{{- define "apituner.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "apituner.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "apituner.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What the Deployment and the Service select by; it never changes, because a selector cannot. */}}
{{- define "apituner.selectorLabels" -}}
app.kubernetes.io/name: {{ include "apituner.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "apituner.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "apituner.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: apituner
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "apituner.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "apituner.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is not set while serviceAccount.create is false: name an account of the operator's own, because whoever shares it may change Deployments" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* An address is the one thing that no default can guess. */}}
{{- define "apituner.prometheusUrl" -}}
{{- if not .Values.prometheus.url }}
{{- fail "prometheus.url is not set: give the address of the Prometheus that scrapes your APIs, for example --set prometheus.url=http://prometheus-server.monitoring.svc" }}
{{- end }}
{{- .Values.prometheus.url }}
{{- end }}

{{/* Every call that the operator makes, and no other: the same in a ClusterRole and in a Role. */}}
{{- define "apituner.rules" -}}
- apiGroups: [apituner.dev]
  resources: [apitunings, connectionbudgets]
  verbs: [get, list, watch]
- apiGroups: [apituner.dev]
  resources: [apitunings/status, connectionbudgets/status]
  verbs: [patch]
# The number of pods goes through the scale subresource, the settings through server-side apply.
- apiGroups: [apps]
  resources: [deployments, deployments/scale]
  verbs: [get, patch]
# Whether somebody else owns the number of pods.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
