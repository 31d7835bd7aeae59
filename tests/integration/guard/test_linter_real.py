"""The audit beside a well-known linter, on Kubernetes' own public manifests.

They come with the Go module that the control plane is built from. What kube-score finds in the
audit's categories, the audit finds at the same container; or `_why_not` says why it doesn't.
"""

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.builtin import hardening_rules
from reconciler.core.hardening.auditing import Subject, audit
from reconciler.core.hardening.pods import Container, Pod, pod_of
from reconciler.core.resource import JsonObject, ResourceKey, split_api_version
from tests.tools.controlplane.recipes import MODULES

_FOLDERS = ("cluster/addons", "test/e2e/testing-manifests", "test/fixtures/doc-yaml")

#: By kube-score's check and its words, the rules of which one must tell of it.
_ALIKE: Mapping[tuple[str, str], frozenset[str]] = {
    (check, words): frozenset(rules.split())
    for check, words, rules in (
        ("container-resources", "CPU limit is not set", "limit-cpu"),
        ("container-resources", "CPU request is not set", "request-cpu"),
        ("container-resources", "Memory limit is not set", "limit-memory"),
        ("container-resources", "Memory request is not set", "request-memory"),
        ("container-ephemeral-storage-request-and-limit", "Ephemeral Storage limit is not set",
         "limit-storage"),
        ("container-ephemeral-storage-request-and-limit", "Ephemeral Storage request is not set",
         "limit-storage"),
        ("container-image-tag", "Image with latest tag", "image-mutable"),
        ("container-image-pull-policy", "ImagePullPolicy is not set to Always",
         "image-pull-policy"),
        ("container-security-context-privileged", "The container is privileged", "privileged"),
        ("container-security-context-readonlyrootfilesystem",
         "Container has no configured security context", "root-filesystem-writable"),
        ("container-security-context-readonlyrootfilesystem",
         "The pod has a container with a writable root filesystem", "root-filesystem-writable"),
        ("container-security-context-user-group-id",
         "Container has no configured security context", "run-as-root low-user-id"),
        ("container-security-context-user-group-id",
         "The container is running with a low user ID", "run-as-root low-user-id"),
        ("container-security-context-user-group-id",
         "The container running with a low group ID", "low-user-id"),
        ("container-seccomp-profile", "The container has not configured Seccomp", "seccomp"),
    )
}  # fmt: skip

#: Checks of what the audit is not about: availability, networks, and the form of other objects.
_OTHERS = frozenset(
    {
        "container-cpu-requests-equal-limits",
        "container-ephemeral-storage-request-equals-limit",
        "container-memory-requests-equal-limits",
        "container-ports-check",
        "container-resource-requests-equal-limits",
        "cronjob-has-deadline",
        "cronjob-restartpolicy",
        "deployment-has-host-podantiaffinity",
        "deployment-has-poddisruptionbudget",
        "deployment-pod-selector-labels-match-template-metadata-labels",
        "deployment-replicas",
        "deployment-strategy",
        "deployment-targeted-by-hpa-does-not-have-replicas-configured",
        "environment-variable-key-duplication",
        "horizontalpodautoscaler-has-target",
        "horizontalpodautoscaler-replicas",
        "ingress-targets-service",
        "label-values",
        "networkpolicy-targets-pod",
        "pod-networkpolicy",
        "pod-probes",
        "pod-probes-identical",
        "pod-topology-spread-constraints",
        "poddisruptionbudget-has-policy",
        "service-targets-pod",
        "service-type",
        "stable-version",
        "statefulset-has-host-podantiaffinity",
        "statefulset-has-poddisruptionbudget",
        "statefulset-has-servicename",
        "statefulset-pod-selector-labels-match-template-metadata-labels",
    }
)


def _why_not(words: str, pod: Pod, container: Container) -> str:
    """Says why the audit rightly doesn't tell of what the linter does; empty where it should."""
    image = str(container.body["image"])
    mutable = image.rpartition("/")[2].partition(":")[2] in ("", "latest")
    if words.startswith("ImagePullPolicy"):
        if "@" in image:
            return "a digest is the same image wherever it is pulled from"
        if mutable and container.body.get("imagePullPolicy") is None:
            return "the server sets Always for latest"
    if words.endswith("low group ID") and pod.setting(container, "runAsGroup") is None:
        return "nothing is declared: the image names the group"
    user = pod.setting(container, "runAsUser")
    if words.endswith("low user ID") and user is None and pod.setting(container, "runAsNonRoot"):
        return "nothing is declared: the image names the user, and root is refused"
    limits = (container.body.get("resources") or {}).get("limits") or {}
    for what, name in (("CPU", "cpu"), ("Memory", "memory")):
        if words == f"{what} request is not set" and name in limits:
            return "the server takes the limit for the request"
    if "Seccomp" in words and "seccompProfile" in pod.security:
        return "it is set for the whole pod"
    return ""


def public_files() -> Iterator[tuple[Path, list[JsonObject]]]:
    """Gives the files that are plain YAML, with their documents."""
    go = shutil.which("go")
    assert go, "`go` is not on PATH, and the public manifests come with a Go module"
    done = subprocess.run(
        [go, "mod", "download", "-json", "k8s.io/kubernetes"],
        cwd=MODULES / "kubernetes",
        check=True,
        capture_output=True,
    )
    top = Path(json.loads(done.stdout)["Dir"])
    for folder in _FOLDERS:
        for file in sorted((top / folder).rglob("*.yaml")):
            try:
                documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
            except yaml.YAMLError:
                continue  # a template
            objects = [each for each in documents if isinstance(each, dict) and each.get("kind")]
            if any(pod_of(each) for each in objects):
                yield file, objects


def scored(kube_score: Path, file: Path) -> list[dict[str, Any]]:
    words = ["score", "--all-default-optional", "--disable-ignore-checks-annotations"]
    done = subprocess.run(
        [kube_score, *words, "-o", "json", file], capture_output=True, check=False
    )
    # It ends with 1 where it finds something.
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout) or []
    return found


def key_of(body: Mapping[str, Any]) -> ResourceKey:
    metadata = body.get("metadata") or {}
    group, _ = split_api_version(str(body.get("apiVersion")))
    return ResourceKey(group, str(body["kind"]), "", str(metadata.get("name") or ""))


def test_nothing_that_the_linter_finds_in_our_categories_is_missed(kube_score_path: Path) -> None:
    missed: list[str] = []
    told: dict[tuple[str, str], int] = defaultdict(int)
    for file, objects in public_files():
        bodies = {(str(each["kind"]), key_of(each).name): each for each in objects}
        subjects = [Subject(key_of(each), each) for each in objects]
        ours: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for finding in audit("public", "", subjects, hardening_rules(), ()).findings:
            ours[finding.key.kind, finding.key.name, finding.container].add(finding.rule.id)
        for each in scored(kube_score_path, file):
            kind, name = each["type_meta"]["kind"], each["object_meta"]["name"]
            for check, words, container in comments(each):
                told[check, words] += 1
                if ours[kind, name, container] & _ALIKE[check, words]:
                    continue
                pod = pod_of(bodies[kind, name])
                assert pod is not None
                (one,) = (it for it in pod.containers if it.name == container)
                if not _why_not(words, pod, one):
                    missed.append(f"{file.name}: {kind} {name} {container}: {words}")
    assert missed == []
    # Not by chance: the files break the rules that matter, and often.
    assert set(told) == set(_ALIKE)
    assert sum(told.values()) > 500


def comments(scored_object: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Gives check, words and container of what is amiss, in the audit's categories."""
    for check in scored_object["checks"]:
        # Of ten points: what isn't well has 1 or 5.
        if check["skipped"] or check["grade"] > 5 or check["check"]["id"] in _OTHERS:
            continue
        for comment in check["comments"] or ():
            yield check["check"]["id"], comment["summary"], comment["path"]


def test_every_check_of_the_linter_is_sorted_out(kube_score_path: Path) -> None:
    listed = subprocess.run([kube_score_path, "list"], capture_output=True, text=True, check=True)
    checks = {line.partition(",")[0] for line in listed.stdout.splitlines()}
    assert checks == _OTHERS | {check for check, _ in _ALIKE}


@pytest.mark.parametrize("words", sorted({words for _, words in _ALIKE}))
def test_without_a_reason_nothing_is_excused(words: str) -> None:
    body = {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    pod = pod_of(body)
    assert pod is not None
    excused = _why_not(words, pod, pod.containers[0])
    assert bool(excused) is words.endswith("low group ID")
