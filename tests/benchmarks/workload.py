"""Objects of the ordinary sort, as many as wanted: half Deployments, half ConfigMaps."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.tools.controlplane import ControlPlane

_PER_FILE = 100
#: kubectl processes at once; more than the processors would only wait for one another.
_WORKERS = 4


def write_workload(folder: Path, namespace: str, objects: int) -> list[Path]:
    """Writes manifests of so many objects into a folder, many to a file; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = list(_objects(namespace, objects))
    files = []
    for start in range(0, len(documents), _PER_FILE):
        file = folder / f"apps-{start // _PER_FILE:03}.yaml"
        chosen = documents[start : start + _PER_FILE]
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        file.write_text(
            yaml.dump_all(chosen, Dumper=dumper, sort_keys=False, explicit_start=True),
            encoding="utf-8",
        )
        files.append(file)
    return files


def apply(plane: ControlPlane, files: list[Path]) -> None:
    """Applies files on the server's side, some at once.

    Raises:
        KubectlError: kubectl failed.
    """
    words = ("apply", "--server-side", "--field-manager=kubectl")
    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(lambda file: plane.kubectl(*words, "-f", str(file), timeout=900), files))


def commit(folder: Path) -> None:
    """Makes a folder a Git repository, if it's none, and commits everything in it."""
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@plumbline.example")
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*identity, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", "--message=as declared"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def name_of(number: int) -> str:
    """Gives the name that a Deployment and a ConfigMap share."""
    return f"app-{number:05}"


def _objects(namespace: str, count: int) -> Iterator[dict[str, Any]]:
    for number in range((count + 1) // 2):
        yield _deployment(namespace, number)
        if 2 * number + 1 < count:
            yield _config_map(namespace, number)


def _labels(number: int) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name_of(number),
        "app.kubernetes.io/part-of": f"suite-{number % 17}",
        "app.kubernetes.io/version": f"1.{number % 9}.{number % 30}",
        "team": f"team-{number % 11}",
    }


def _config_map(namespace: str, number: int) -> dict[str, Any]:
    lines = [f"feature.{each}.enabled = {(each + number) % 2}" for each in range(20)]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name_of(number),
            "namespace": namespace,
            "labels": _labels(number),
        },
        "data": {
            "LOG_LEVEL": "info",
            "REGION": f"eu-{number % 3}",
            "app.properties": "\n".join(lines) + "\n",
            "limits.json": json.dumps({"rps": 100 + number % 50, "burst": [1, 2, 3]}, indent=1),
        },
    }


def _deployment(namespace: str, number: int) -> dict[str, Any]:
    name = name_of(number)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": _labels(number),
            "annotations": {"example.com/owner": f"team-{number % 11}@example.com"},
        },
        "spec": {
            "replicas": 1 + number % 4,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {
                "metadata": {"labels": _labels(number)},
                "spec": _pod(name, number),
            },
        },
    }


def _pod(name: str, number: int) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10}
    return {
        "serviceAccountName": "default",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
        "containers": [
            {
                "name": "app",
                "image": f"registry.example/suite/{name}:1.{number % 9}.{number % 30}",
                "args": ["--config=/etc/app/app.properties", f"--shard={number % 8}"],
                "ports": [
                    {"name": "http", "containerPort": 8080},
                    {"name": "metrics", "containerPort": 9090},
                ],
                "env": [
                    {"name": "SHARD", "value": str(number % 8)},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "envFrom": [{"configMapRef": {"name": name}}],
                "resources": {
                    "requests": {"cpu": "0.1", "memory": "128Mi"},
                    "limits": {"cpu": 1, "memory": "1024Mi"},
                },
                "livenessProbe": probe,
                "readinessProbe": {**probe, "timeoutSeconds": 2},
                "securityContext": {"allowPrivilegeEscalation": False},
                "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
            },
        ],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
