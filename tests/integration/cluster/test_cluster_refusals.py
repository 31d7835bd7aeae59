"""What the real API server refuses, and that no value of it reaches a message."""

import base64
import json

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.errors import Rejected
from reconciler.core.resource import JsonObject, ResourceKind
from tests.fakes.kinds import named
from tests.tools.controlplane import ControlPlane

CANARY = "c4nary"


def body_of(kind: ResourceKind, namespace: str, **fields: object) -> JsonObject:
    metadata = {"name": "web", "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}


def refusal(cluster: KubeCluster, kind: ResourceKind, body: JsonObject) -> Rejected:
    with pytest.raises(Rejected) as caught:
        cluster.dry_runs.create(kind, body)
    assert CANARY not in str(caught.value)
    return caught.value


def test_an_invalid_object_names_its_fields(admin: KubeCluster, namespace: str) -> None:
    service = named("Service")
    ports = [{"name": f"{CANARY}_not_a_name", "port": 99999}]
    error = refusal(admin, service, body_of(service, namespace, spec={"ports": ports}))
    assert (error.code, error.reason) == (422, "Invalid")
    assert set(error.fields) >= {"spec.ports[0].name", "spec.ports[0].port"}
    assert "spec.ports[0].port has an invalid value" in error.message
    assert error.message.startswith(f"Service {namespace}/web")


def test_a_field_of_the_wrong_type_is_named(admin: KubeCluster, namespace: str) -> None:
    kind = named("Deployment")
    error = refusal(admin, kind, body_of(kind, namespace, spec={"replicas": CANARY}))
    assert error.code == 400
    assert "spec.replicas must be int32, not string" in error.message


def test_a_secrets_value_is_never_repeated(admin: KubeCluster, namespace: str) -> None:
    kind = named("Secret")
    plain = refusal(admin, kind, body_of(kind, namespace, data={"p": f"%{CANARY}%"}))
    assert plain.code == 400
    wrong_key = refusal(admin, kind, body_of(kind, namespace, stringData={"a b": CANARY}))
    assert wrong_key.code == 422
    docker = {".dockerconfigjson": base64.b64encode(f'{{"{CANARY}'.encode()).decode()}
    body = body_of(kind, namespace, type="kubernetes.io/dockerconfigjson", data=docker)
    assert refusal(admin, kind, body).code == 422


def test_an_admission_policys_own_words_are_repeated_but_for_a_secret(
    admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    name = f"policy-{namespace}"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps", "secrets"],
    }
    message = "'ask the platform team, not for ' + object.metadata.annotations.said"
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "messageExpression": message}],
        },
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [policy, binding]}
    control_plane.kubectl("create", "-f", "-", input=json.dumps(items))
    try:
        error = _until_refused(admin, named("ConfigMap"), namespace)
        assert error.code == 422
        assert f"'{name}'" in error.message
        assert "ask the platform team" in error.message
        secret = _until_refused(admin, named("Secret"), namespace)
        assert CANARY not in str(secret)
        assert name in secret.message
    finally:
        control_plane.kubectl("delete", "validatingadmissionpolicy", name)
        control_plane.kubectl("delete", "validatingadmissionpolicybinding", name)


def test_a_webhook_that_cannot_be_called_refuses_and_nothing_was_written(
    admin: KubeCluster, control_plane: ControlPlane, namespace: str
) -> None:
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": f"hook-{namespace}"},
        "webhooks": [
            {
                "name": "nobody.example.com",
                "clientConfig": {"url": "https://127.0.0.1:1/"},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["*"],
                        "resources": ["configmaps"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail",
                "timeoutSeconds": 1,
            }
        ],
    }
    kind = named("ConfigMap")
    control_plane.kubectl("create", "-f", "-", input=json.dumps(hook))
    try:
        error = _until_refused(admin, kind, namespace)
        assert error.code == 500
        assert "nobody.example.com" in error.message
        with pytest.raises(Rejected):
            admin.writes.create(kind, body_of(kind, namespace))
    finally:
        control_plane.kubectl("delete", "validatingwebhookconfiguration", f"hook-{namespace}")


def _until_refused(admin: KubeCluster, kind: ResourceKind, namespace: str) -> Rejected:
    """The server takes a moment to notice a webhook or a policy."""
    body = body_of(kind, namespace)
    body["metadata"]["annotations"] = {"said": CANARY}
    for _ in range(2000):
        try:
            admin.dry_runs.create(kind, body)
        except Rejected as error:
            return error
    raise AssertionError("nothing ever refuses it")
