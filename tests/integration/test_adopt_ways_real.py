"""What is live adopted into kustomizations and charts, rendered by the real programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.real_target import RealTarget

_WEB = """\
# The web shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: shop/web:1.0   # the tag is set elsewhere
"""
_EXTRA = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  a: b\n"
_KUSTOMIZED = {
    "base/kustomization.yaml": "resources:\n- web.yaml\n- extra.yaml\n",
    "base/web.yaml": _WEB,
    "base/extra.yaml": _EXTRA,
    "staging/kustomization.yaml": "resources: [../base]\nnamePrefix: staging-\n",
    "prod/kustomization.yaml": """\
# production
namespace: NAMESPACE
resources:
- ../base
- own.yaml
- gone.yaml
images:
- name: shop/web
  newTag: "2.0"   # bumped by hand
replicas:
- name: web
  count: 3
patches:
- path: patch.yaml
configMapGenerator:
- name: generated
  literals:
  - colour=blue
generatorOptions:
  disableNameSuffixHash: true
""",
    "prod/patch.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        resources:
          limits:
            memory: 100Mi # small
""",
    "prod/own.yaml": _EXTRA.replace("extra", "own"),
    "prod/gone.yaml": _EXTRA.replace("extra", "gone"),
}
_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": """\
# Defaults of the chart.
replicaCount: 2   # two are enough
image:
  repository: shop/web
  tag: "1.0"
podLabels:
  team: blue
resources: {}
config:
  enabled: true
  colour: blue
""",
    "templates/web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicaCount }}
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels:
        app: web
        {{- toYaml .Values.podLabels | nindent 8 }}
    spec:
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
""",
    "templates/config.yaml": """\
{{- if .Values.config.enabled }}
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  colour: {{ .Values.config.colour | quote }}
{{- end }}
""",
}


@pytest.fixture
def target(
    control_plane: ControlPlane,
    namespace: str,
    toolbox: Toolbox,
    helm_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RealTarget:
    programs = (toolbox.tool(Tool.KUBECTL).parent, helm_path.parent)
    monkeypatch.setenv("PATH", ":".join([*map(str, programs), "/usr/bin:/bin"]))
    repo = tmp_path / "repo"
    repo.mkdir()
    return RealTarget(control_plane, repo, tmp_path / "home", (namespace,))


def declare(target: RealTarget, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = target.repo / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("NAMESPACE", target.namespaces[0]))
    commit(target.repo)


def patched(target: RealTarget, name: str, patch: object) -> None:
    words = ("patch", *name.split("/"), "-n", target.namespaces[0], "-p", json.dumps(patch))
    target.plane.kubectl(*words)


def adopted(target: RealTarget, *words: str) -> dict[str, Any]:
    """Adopts all, in place, and gives what was told."""
    ran = target.run("propose", "--mode", "adopt", "--write", "-o", "json", *words)
    document = ran.document
    assert ran.code == (1 if document["left"] else 0), ran
    commit(target.repo)
    return document


def lines(document: dict[str, Any]) -> list[str]:
    """Gives the lines that differ, without the files' names."""
    found = (each for each in document["diff"].split("\n") if each[:1] in ("+", "-"))
    return [each for each in found if not each.startswith(("+++", "---"))]


def test_a_kustomization_is_edited_where_it_decides(target: RealTarget) -> None:
    declare(target, _KUSTOMIZED)
    namespace = target.namespaces[0]
    target.plane.kubectl("apply", "-k", str(target.repo / "prod"))
    assert target.run("check", "--path", "prod").code == 0
    container = {
        "name": "web",
        "image": "shop/web:2.1",
        "resources": {"limits": {"memory": "200Mi"}},
    }
    spec = {"replicas": 5, "template": {"spec": {"containers": [container]}}}
    patched(target, "deployment/web", {"spec": spec})
    patched(target, "configmap/generated", {"data": {"colour": "red"}})
    patched(target, "configmap/own", {"data": {"a": "c"}})
    patched(target, "configmap/extra", {"data": {"a": None, "c": "d"}})
    target.plane.kubectl("delete", "configmap", "gone", "-n", namespace)
    target.plane.kubectl("create", "serviceaccount", "robot", "-n", namespace)

    document = adopted(target, "--path", "prod")
    assert document["left"] == []
    told = lines(document)
    for line in (
        '+  newTag: "2.1"   # bumped by hand',
        "+  count: 5",
        "+  - colour=red",
        "+            memory: 200Mi # small",
        "+  a: c",
        "-- gone.yaml",
        "+- serviceaccount-robot.yaml",
        "+- path: configmap-extra-patch.yaml",
        "+  a: null",
    ):
        assert line in told, document["diff"]
    # What staging builds on too is as it was.
    assert (target.repo / "base" / "extra.yaml").read_text() == _EXTRA
    assert (target.repo / "base" / "web.yaml").read_text() == _WEB
    assert not (target.repo / "prod" / "gone.yaml").exists()
    assert target.run("check", "--path", "prod").code == 0
    # The patch that was made is the one that is edited next; what the base declares may go, too.
    patched(target, "configmap/extra", {"data": {"c": "e"}})
    again = adopted(target, "--path", "prod")
    assert lines(again) == ["-  c: d", "+  c: e"]
    target.plane.kubectl("delete", "configmap", "extra", "-n", namespace)
    assert adopted(target, "--path", "prod")["left"] == []
    assert target.run("check", "--path", "prod").code == 0


def test_a_charts_values_are_edited_where_they_decide(
    target: RealTarget, helm_path: Path, tmp_path: Path
) -> None:
    import subprocess

    declare(target, _CHART)
    words = [str(helm_path), "template", "shop", str(target.repo)]
    made = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    (tmp_path / "made.yaml").write_text(made)
    target.plane.kubectl("apply", "-n", target.namespaces[0], "-f", str(tmp_path / "made.yaml"))
    assert target.run("check").code == 0
    container = {"name": "web", "image": "shop/web:1.1", "resources": {"limits": {"cpu": "1"}}}
    template = {
        "metadata": {"labels": {"team": "red", "tier": "x"}},
        "spec": {"containers": [container], "hostNetwork": True},
    }
    patched(target, "deployment/web", {"spec": {"replicas": 3, "template": template}})
    target.plane.kubectl("delete", "configmap", "web", "-n", target.namespaces[0])

    document = adopted(target)
    assert lines(document) == [
        "-replicaCount: 2   # two are enough",
        "+replicaCount: 3   # two are enough",
        '-  tag: "1.0"',
        '+  tag: "1.1"',
        "-  team: blue",
        "-resources: {}",
        "+  team: red",
        "+  tier: x",
        "+resources:",
        "+  limits:",
        '+    cpu: "1"',
        "-  enabled: true",
        "+  enabled: false",
    ]
    # What no value decides is left, and it is said where it is decided.
    (left,) = document["left"]
    assert left["path"] == "spec.template.spec.hostNetwork"
    assert "templates/web.yaml" in left["reason"]
    (drift,) = target.check()["drifts"]
    assert [each["path"] for each in drift["changes"]] == ["spec.template.spec.hostNetwork"]
