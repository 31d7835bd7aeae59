{{- define "plumbline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "plumbline.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "plumbline.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "plumbline.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "plumbline.selectorLabels" -}}
app.kubernetes.io/name: {{ include "plumbline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Other than the controller's: its Service must not find the agents. */}}
{{- define "plumbline.agentLabels" -}}
app.kubernetes.io/name: {{ include "plumbline.name" . | trunc 57 | trimSuffix "-" }}-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "plumbline.labels" -}}
{{ include "plumbline.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "plumbline.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "plumbline.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "plumbline.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "plumbline.agentName" -}}
{{- printf "%s-agent" (include "plumbline.fullname" . | trunc 57 | trimSuffix "-") -}}
{{- end -}}

{{/* Where agents are heard; empty where they aren't. */}}
{{- define "plumbline.agentsAddress" -}}
{{- $address := dig "agents" "address" "" .Values.config -}}
{{- if and (not $address) .Values.agent.enabled .Values.agent.tlsSecret.name -}}
{{- $address = "0.0.0.0:8444" -}}
{{- end -}}
{{- $address -}}
{{- end -}}

{{/* The port of an address such as 0.0.0.0:8080; empty where it answers nowhere. */}}
{{- define "plumbline.port" -}}
{{- if . -}}{{- regexFind "[0-9]+$" . -}}{{- end -}}
{{- end -}}

{{/* Where it answers, as lines of name and port: what `config` says, and nothing twice. */}}
{{- define "plumbline.ports" -}}
{{- $config := .Values.config -}}
{{- $witnesses := $config.witnesses | default dict -}}
{{- $hooks := $config.hooks | default dict -}}
{{- $addresses := dict "http" $config.serve.address "hooks" $hooks.address "audit" $witnesses.audit_webhook "admission" $witnesses.admission "slack" (dig "notify" "slack" "address" "" $config) "agents" (include "plumbline.agentsAddress" .) -}}
{{- range $name := list "http" "hooks" "audit" "admission" "slack" "agents" -}}
{{- $address := get $addresses $name | default "" -}}
{{- if $address }}
{{- if regexMatch "^(127\\.|localhost|\\[::1\\])" $address }}
{{- fail (printf "config: the address %s (%s) can't be reached from outside the pod: write 0.0.0.0:%s" $address $name (include "plumbline.port" $address)) }}
{{- end }}
{{ $name }}: {{ include "plumbline.port" $address }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "plumbline.check" -}}
{{- if not .Values.config.targets -}}
{{- fail "config.targets is empty, so there is nothing to keep true: `plumbline init --rbac restorer --output values` writes values for your targets" -}}
{{- end -}}
{{- if and .Values.agent.enabled .Values.agent.tlsSecret.name (not .Values.service.enabled) -}}
{{- fail "agents find the controller by its Service: leave service.enabled true, or agent.tlsSecret.name empty" -}}
{{- end -}}
{{- if gt (int .Values.replicas) 1 -}}
{{- if not (or .Values.history.databaseSecret.name (dig "history" "database" "" .Values.config)) -}}
{{- fail "several replicas want one history: set history.databaseSecret.name to a Secret with a PostgreSQL URL" -}}
{{- end -}}
{{- if and .Values.persistence.enabled (ne .Values.persistence.accessMode "ReadWriteMany") -}}
{{- fail "several replicas want persistence.accessMode ReadWriteMany, or persistence.enabled false" -}}
{{- end -}}
{{- if not (or .Values.history.keySecret.name (dig "history" "key_file" "" .Values.config)) -}}
{{- fail "several replicas want one key: set history.keySecret.name to a Secret with the key of the history's chain" -}}
{{- end -}}
{{- end -}}
{{- end -}}
