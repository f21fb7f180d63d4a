{{/* One installation a cluster, so names are fixed: what a person greps for is the same everywhere. */}}
{{- define "weightlock.name" -}}weightlock-operator{{- end }}
{{- define "weightlock.caSecret" -}}weightlock-ca{{- end }}

{{- define "weightlock.selector" -}}
app.kubernetes.io/name: weightlock
app.kubernetes.io/component: operator
{{- end }}

{{- define "weightlock.labels" -}}
{{ include "weightlock.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* repository@digest of .image, named .what in the message when something is missing. */}}
{{- define "weightlock.image" -}}
{{- $what := .what -}}
{{- $repository := required (printf "image.%s.repository is empty: say where the image of `make images` was pushed" $what) .image.repository -}}
{{- $digest := required (printf "image.%s.digest is empty: `make images` prints it (dist/images/images.json)" $what) .image.digest -}}
{{- printf "%s@%s" $repository $digest | quote -}}
{{- end }}
