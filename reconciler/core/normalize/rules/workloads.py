"""Conditional defaults of workloads and autoscalers (pkg/apis/{apps,batch,autoscaling})."""

from collections.abc import Mapping
from typing import Any

from reconciler.core.normalize.rules.rule import Rule

_MAX_INT32 = 2**31 - 1
_METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"
_CPU_PERCENT = 80


def _deployment_strategy(made: dict[str, Any]) -> None:
    """SetDefaults_Deployment."""
    if made["type"] == "RollingUpdate" and "rollingUpdate" not in made:
        made["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%"}


def _daemon_set_strategy(made: dict[str, Any]) -> None:
    """SetDefaults_DaemonSet; other types print the zeros of the internal type."""
    rolling = made["type"] == "RollingUpdate"
    if rolling or "rollingUpdate" in made:
        given = made.get("rollingUpdate") or {}
        made["rollingUpdate"] = {"maxUnavailable": 1 if rolling else 0, "maxSurge": 0} | given


def _left_to_strategy(_made: dict[str, Any]) -> None:
    """Fills in nothing: the defaults depend on the strategy's type, which isn't seen from here."""


def _stateful_set_strategy(made: dict[str, Any]) -> None:
    """SetDefaults_StatefulSet: unlike the others, nothing is added to a type that is given."""
    if "type" not in made:
        made["type"] = "RollingUpdate"
        made.setdefault("rollingUpdate", {"partition": 0, "maxUnavailable": 1})


def _stateful_set_spec(made: dict[str, Any]) -> None:
    """Convert_apps_StatefulSetSpec_To_v1_StatefulSetSpec: claims say what they are."""
    claims = made.get("volumeClaimTemplates")
    if claims:
        stamp = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
        made["volumeClaimTemplates"] = [claim | stamp for claim in claims]


def _job(made: dict[str, Any]) -> None:
    """SetDefaults_Job: what holds for Jobs, but not for their templates."""
    spec: dict[str, Any] = dict(made.get("spec") or {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    replacement = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    spec.setdefault("manualSelector", False)
    made["spec"] = spec
    labels = (spec["template"].get("metadata") or {}).get("labels")
    if labels and not made["metadata"].get("labels"):
        made["metadata"] = {**made["metadata"], "labels": labels}


def _behavior(made: dict[str, Any]) -> None:
    """SetDefaults_HorizontalPodAutoscalerBehavior of pkg/apis/autoscaling/v2."""
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    pods = {"type": "Pods", "value": 4, "periodSeconds": 15}
    down = {"selectPolicy": "Max", "policies": [percent]}
    up = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent]}
    made["scaleUp"] = up | (made.get("scaleUp") or {})
    made["scaleDown"] = down | (made.get("scaleDown") or {})


def _autoscaler_v1(made: dict[str, Any]) -> None:
    """Convert_v1_HorizontalPodAutoscaler_To_autoscaling_HorizontalPodAutoscaler."""
    spec = made.get("spec") or {}
    annotations = made["metadata"].get("annotations") or {}
    if "targetCPUUtilizationPercentage" not in spec and _METRICS_ANNOTATION not in annotations:
        made["spec"] = {**spec, "targetCPUUtilizationPercentage": _CPU_PERCENT}


RULES: Mapping[str, Rule] = {
    "apps/v1.DaemonSetUpdateStrategy": Rule(_daemon_set_strategy, frozenset({"rollingUpdate"})),
    "apps/v1.DeploymentStrategy": Rule(_deployment_strategy, frozenset({"rollingUpdate"})),
    "apps/v1.RollingUpdateDaemonSet": Rule(
        _left_to_strategy, frozenset({"maxSurge", "maxUnavailable"})
    ),
    "apps/v1.StatefulSetSpec": Rule(_stateful_set_spec),
    "apps/v1.StatefulSetUpdateStrategy": Rule(
        _stateful_set_strategy, frozenset({"type", "rollingUpdate"})
    ),
    "autoscaling/v1.HorizontalPodAutoscaler": Rule(_autoscaler_v1, whole=True),
    "autoscaling/v2.HorizontalPodAutoscalerBehavior": Rule(
        _behavior, frozenset({"scaleUp", "scaleDown"})
    ),
    "batch/v1.Job": Rule(_job, whole=True),
}
