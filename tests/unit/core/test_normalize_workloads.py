"""What the server makes of workloads and autoscalers; every row is a real server's answer."""

from typing import Any

import pytest

from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import (
    CONTAINER,
    LABELS,
    deployment_of,
    made_of,
    spec_of,
    template,
)

SELECTED: JsonObject = {"selector": {"matchLabels": LABELS}, "template": template()}
MAX_INT32 = 2**31 - 1


def test_a_deployment_gets_all_its_defaults() -> None:
    pod = {"containers": [{"name": "c", "image": "nginx"}]}
    assert deployment_of(template=template(**pod)) == {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": LABELS},
        "strategy": {
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            "type": "RollingUpdate",
        },
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "containers": [
                    {
                        "image": "nginx",
                        "imagePullPolicy": "Always",
                        "name": "c",
                        "resources": {},
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }
                ],
                "dnsPolicy": "ClusterFirst",
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30,
            },
        },
    }


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        (
            {},
            {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
        ),
        (
            {"type": "RollingUpdate"},
            {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
        ),
        (
            {"rollingUpdate": {"maxSurge": 3}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": "25%"}},
        ),
        ({"type": "Recreate"}, {"type": "Recreate"}),
    ],
)
def test_a_deployments_strategy(strategy: Any, made: Any) -> None:
    assert deployment_of(strategy=strategy)["strategy"] == made


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        ({}, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
        (
            {"rollingUpdate": {"maxUnavailable": "10%"}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}},
        ),
        ({"type": "OnDelete"}, {"type": "OnDelete"}),
        (
            {"type": "OnDelete", "rollingUpdate": {}},
            {"type": "OnDelete", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}},
        ),
        (
            {"type": "OnDelete", "rollingUpdate": {"maxUnavailable": 2}},
            {"type": "OnDelete", "rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}},
        ),
    ],
)
def test_a_daemon_sets_strategy(strategy: Any, made: Any) -> None:
    spec = spec_of("apps/v1", "DaemonSet", **SELECTED, updateStrategy=strategy)
    assert spec["updateStrategy"] == made


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        ({}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}}),
        (
            {"rollingUpdate": {"partition": 2}},
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 1}},
        ),
        ({"type": "RollingUpdate"}, {"type": "RollingUpdate"}),
        ({"type": "OnDelete"}, {"type": "OnDelete"}),
    ],
)
def test_a_stateful_sets_strategy_is_only_filled_in_where_no_type_is_given(
    strategy: Any, made: Any
) -> None:
    spec = spec_of("apps/v1", "StatefulSet", **SELECTED, serviceName="web", updateStrategy=strategy)
    assert spec["updateStrategy"] == made


def test_a_stateful_sets_claims_say_what_they_are() -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1024Mi"}},
        },
    }
    spec = spec_of(
        "apps/v1", "StatefulSet", **SELECTED, serviceName="web", volumeClaimTemplates=[claim]
    )
    assert spec["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Pending"},
        }
    ]


FAILURES = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}
ONCE: JsonObject = {"template": template(restartPolicy="Never")}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (
            {},
            {
                "backoffLimit": 6,
                "completionMode": "NonIndexed",
                "completions": 1,
                "manualSelector": False,
                "parallelism": 1,
                "podReplacementPolicy": "TerminatingOrFailed",
                "suspend": False,
            },
        ),
        ({"parallelism": 2}, {"parallelism": 2, "completions": None}),
        ({"completions": 3}, {"parallelism": 1, "completions": 3}),
        (
            {"completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1},
            {"backoffLimit": MAX_INT32, "backoffLimitPerIndex": 1},
        ),
        ({"podFailurePolicy": FAILURES}, {"podReplacementPolicy": "Failed"}),
    ],
)
def test_a_jobs_defaults_depend_on_what_is_given(given: Any, made: JsonObject) -> None:
    spec = spec_of("batch/v1", "Job", **ONCE, **given)
    assert {name: spec.get(name) for name in made} == made


def test_a_job_without_labels_has_its_templates() -> None:
    spec = {"template": {**template(restartPolicy="Never"), "metadata": {"labels": {"a": "b"}}}}
    assert made_of("batch/v1", "Job", spec=spec)["metadata"]["labels"]["a"] == "b"
    own = made_of("batch/v1", "Job", spec=spec, metadata={"labels": {"c": "d"}})
    assert own["metadata"]["labels"]["c"] == "d"
    assert "a" not in own["metadata"]["labels"]


def test_a_job_inside_a_cron_job_gets_no_jobs_defaults() -> None:
    spec = spec_of("batch/v1", "CronJob", schedule="* * * * *", jobTemplate={"spec": ONCE})
    assert set(spec["jobTemplate"]["spec"]) == {"template"}
    assert spec["concurrencyPolicy"] == "Allow"


TARGET: JsonObject = {
    "maxReplicas": 3,
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
}
PERCENT = {"type": "Percent", "value": 100, "periodSeconds": 15}
PODS = {"type": "Pods", "value": 4, "periodSeconds": 15}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, None),
        (
            {"behavior": {}},
            {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Max",
                    "policies": [PODS, PERCENT],
                },
                "scaleDown": {"selectPolicy": "Max", "policies": [PERCENT]},
            },
        ),
        (
            {
                "behavior": {
                    "scaleUp": {"policies": [PODS], "selectPolicy": "Min"},
                    "scaleDown": {"stabilizationWindowSeconds": 5},
                }
            },
            {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Min",
                    "policies": [PODS],
                },
                "scaleDown": {
                    "stabilizationWindowSeconds": 5,
                    "selectPolicy": "Max",
                    "policies": [PERCENT],
                },
            },
        ),
    ],
)
def test_an_autoscalers_behavior_is_filled_in_once_it_is_given(given: Any, made: Any) -> None:
    spec = spec_of("autoscaling/v2", "HorizontalPodAutoscaler", **TARGET, **given)
    assert spec.get("behavior") == made
    assert spec["minReplicas"] == 1


METRICS = '[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":70}}]'


@pytest.mark.parametrize(
    ("given", "annotations", "made"),
    [
        ({}, {}, 80),
        ({"targetCPUUtilizationPercentage": 50}, {}, 50),
        ({}, {"autoscaling.alpha.kubernetes.io/metrics": METRICS}, None),
    ],
)
def test_an_old_autoscaler_looks_at_the_processor_unless_told_otherwise(
    given: Any, annotations: JsonObject, made: int | None
) -> None:
    body = made_of(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        metadata={"annotations": annotations},
        spec={**TARGET, **given},
    )
    assert body["spec"].get("targetCPUUtilizationPercentage") == made


def test_containers_in_every_workload_are_converted() -> None:
    spec = spec_of("apps/v1", "ReplicaSet", **SELECTED)
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert spec["template"]["spec"]["containers"][0].items() >= CONTAINER.items()
