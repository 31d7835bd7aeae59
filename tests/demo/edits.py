"""What people do to the shop by hand, and what a comparison has to find of it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMESPACE = "shop"

#: Changes an object in place.
Change = Callable[[dict[str, Any]], None]

DEBUGGER = {
    "name": "debug",
    "image": "registry.example/tools/debug:latest",
    "securityContext": {"privileged": True},
}
_SNIPPET = "nginx.ingress.kubernetes.io/configuration-snippet"
_RULE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
_STOLEN = base64.b64encode(b"another-key-for-the-demo").decode()


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit by hand.

    Attributes:
        command: The words after `kubectl -n shop`.
        kind: The object's kind.
        name: Its name.
        manager: The field manager that kubectl gives itself for it.
        change: What it does to the object; None where it makes or deletes it.
        made: The object that it makes, if it does.
        drift: The type of drift that it makes; empty where a rule explains it.
        paths: Where the object differs afterwards.
        note: What a reader of the demo should know of it.
    """

    command: tuple[str, ...]
    kind: str
    name: str
    manager: str
    change: Change | None
    drift: str = "Modified"
    paths: tuple[str, ...] = ()
    note: str = ""
    made: dict[str, Any] | None = None


def add_debugger(body: dict[str, Any]) -> None:
    """Adds a privileged container beside the shop's own."""
    body["spec"]["template"]["spec"]["containers"].append(dict(DEBUGGER))


def _set_env(body: dict[str, Any]) -> None:
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "CATALOG_CACHE", "value": "off"})


def _set_image(body: dict[str, Any]) -> None:
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "registry.example/shop/catalog:1.20.0-rc1"


def _set_address(body: dict[str, Any]) -> None:
    body["spec"] |= {"externalIPs": ["203.0.113.7"], "externalTrafficPolicy": "Cluster"}


def _set_settings(body: dict[str, Any]) -> None:
    body["data"] |= {"currency": "USD", "maintenance": "soon"}


def _set_key(body: dict[str, Any]) -> None:
    body["data"]["api-key"] = _STOLEN


def _add_rule(body: dict[str, Any]) -> None:
    body["rules"].append(dict(_RULE))


def _annotate(body: dict[str, Any]) -> None:
    body["metadata"].setdefault("annotations", {})[_SNIPPET] = "return 200;"


def _scale(body: dict[str, Any]) -> None:
    body["spec"]["replicas"] = 5


def _patch(kind: str, name: str, body: object, how: str = "merge") -> tuple[str, ...]:
    return ("patch", kind, name, f"--type={how}", "-p", json.dumps(body))


_CONTAINERS = "spec.template.spec.containers"

EDITS: tuple[Edit, ...] = (
    Edit(
        ("edit", "deployment", "web", "-o", "json"),
        "Deployment",
        "web",
        "kubectl-edit",
        add_debugger,
        paths=(f"{_CONTAINERS}[name=debug]",),
        note="adds a privileged container",
    ),
    Edit(
        ("set", "env", "deployment/web", "--containers=web", "CATALOG_CACHE=off"),
        "Deployment",
        "web",
        "kubectl-set",
        _set_env,
        paths=(f"{_CONTAINERS}[name=web].env[name=CATALOG_CACHE]",),
    ),
    Edit(
        ("set", "image", "deployment/catalog", "catalog=registry.example/shop/catalog:1.20.0-rc1"),
        "Deployment",
        "catalog",
        "kubectl-set",
        _set_image,
        paths=(f"{_CONTAINERS}[name=catalog].image",),
    ),
    Edit(
        _patch("service", "web", {"spec": {"externalIPs": ["203.0.113.7"]}}),
        "Service",
        "web",
        "kubectl-patch",
        _set_address,
        # The second one is the server's, which it makes of the first.
        paths=("spec.externalIPs", "spec.externalTrafficPolicy"),
    ),
    Edit(
        _patch("configmap", "shop-settings", {"data": {"currency": "USD", "maintenance": "soon"}}),
        "ConfigMap",
        "shop-settings",
        "kubectl-patch",
        _set_settings,
        paths=("data.currency", "data.maintenance"),
    ),
    Edit(
        _patch("secret", "payment", {"data": {"api-key": _STOLEN}}),
        "Secret",
        "payment",
        "kubectl-patch",
        _set_key,
        paths=("data.api-key",),
    ),
    Edit(
        _patch("role", "catalog", [{"op": "add", "path": "/rules/-", "value": _RULE}], "json"),
        "Role",
        "catalog",
        "kubectl-patch",
        _add_rule,
        paths=("rules[1]",),
    ),
    Edit(
        ("annotate", "ingress", "web", f"{_SNIPPET}=return 200;"),
        "Ingress",
        "web",
        "kubectl-annotate",
        _annotate,
        paths=(f'metadata.annotations["{_SNIPPET}"]',),
    ),
    Edit(
        ("delete", "poddisruptionbudget", "catalog"),
        "PodDisruptionBudget",
        "catalog",
        "",
        None,
        drift="Missing",
    ),
    Edit(
        ("create", "configmap", "old-prices", "--from-literal=lamp=12"),
        "ConfigMap",
        "old-prices",
        "kubectl-create",
        None,
        drift="Unmanaged",
        made={
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "old-prices", "namespace": NAMESPACE},
            "data": {"lamp": "12"},
        },
    ),
    Edit(
        ("scale", "deployment", "web", "--replicas=5"),
        "Deployment",
        "web",
        "",
        _scale,
        drift="",
        note="as the autoscaler would, which Git declares: no drift",
    ),
)

#: What the report advises to do about the object that nobody declared.
CLEANING = Edit(("delete", "configmap", "old-prices"), "ConfigMap", "old-prices", "", None)
