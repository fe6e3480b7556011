{{/* Names, labels and images, each said once. */}}

{{- define "ottla.name" -}}
ottla-cluster-operator
{{- end }}

{{/* Labels by which the operator's pods are found; they never change in the life of a Deployment. */}}
{{- define "ottla.selector" -}}
name: {{ include "ottla.name" . }}
strimzi.io/kind: cluster-operator
{{- end }}

{{- define "ottla.labels" -}}
app: ottla
component: cluster-operator
app.kubernetes.io/name: ottla-operator
app.kubernetes.io/component: cluster-operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image's whole name. Given a list of the root and the image's own values. */}}
{{- define "ottla.image" -}}
{{- $values := (index . 0).Values }}
{{- $image := index . 1 }}
{{- $registry := $image.registry | default $values.defaultImageRegistry }}
{{- $repository := $image.repository | default $values.defaultImageRepository }}
{{- $tag := $image.tag | default $values.defaultImageTag | default (index . 0).Chart.AppVersion }}
{{- list $registry $repository $image.name | compact | join "/" }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{/* The namespaces that are served, as the operator is told them. Not used when all are. */}}
{{- define "ottla.namespaces" -}}
{{- append .Values.watchNamespaces .Release.Namespace | uniq | join "," }}
{{- end }}

{{/* Pull secrets as a list of names: the values have names or objects with a name. */}}
{{- define "ottla.pullSecrets" -}}
{{- $names := list }}
{{- range .Values.image.imagePullSecrets }}
{{- $names = append $names (kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name")) }}
{{- end }}
{{- join "," $names }}
{{- end }}
