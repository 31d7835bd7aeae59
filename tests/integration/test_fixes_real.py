"""Images updated and manifests hardened by pull requests on a real Gitea, as rendered for real."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.container_files import FileState, FileType
from reconciler.core.containers import (
    ContainerLook,
    ContainerRef,
    FileDrift,
    NodeLook,
    WrittenPlace,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.render.container_documents import node_document
from tests.integration.test_adopt_real import Office, git
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.gitea.server import Gitea
from tests.tools.real_target import RealTarget
from tests.tools.registry import RegistryServer

pytestmark = pytest.mark.xdist_group("gitea")

_WORKLOAD = """\
# Works for NAME.
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: app
        image: "IMAGE"   # the shop's
        securityContext:
          runAsUser: 10   # nobody
"""
_KUSTOMIZATION = """\
# production
resources: [web.yaml, worker.yaml, tool.yaml]
images:
- name: shop/web
  newName: HOST/web
  newTag: "1.0.0"   # bumped by hand
"""
_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chart-{{ .NAME }}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: "{{ .Values.NAME.image.repository }}:{{ .Values.NAME.image.tag }}"
        securityContext: {{- toYaml .Values.securityContext | nindent 10 }}
"""
_VALUES = """\
web:
  image: {repository: HOST/web, tag: 1.0.0}   # what people see
tool:
  image:
    repository: HOST/tool
    tag: "2.0.0"   # as agreed upon
# for both
securityContext:
  runAsUser: 10
"""
_CONTEXT = """\
+          allowPrivilegeEscalation: false
+          seccompProfile:
+            type: RuntimeDefault
+      automountServiceAccountToken: false
"""


_READ_ONLY = """\
+          readOnlyRootFilesystem: true
+        volumeMounts:
+        - name: app-tmp
+          mountPath: /tmp
+      volumes:
+      - name: app-tmp
+        emptyDir: {}
"""


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.fixture
def office(
    control_plane: ControlPlane,
    namespace: str,
    gitea: Gitea,
    toolbox: Toolbox,
    helm_path: Path,
    registry: RegistryServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    programs = (toolbox.tool(Tool.KUBECTL).parent, helm_path.parent)
    monkeypatch.setenv("PATH", ":".join([*map(str, programs), "/usr/bin:/bin"]))
    known = {user["login"] for user in gitea.call("GET", "/admin/users")}
    for name in {"ann", "ben"} - known:
        gitea.add_user(name)
    token, name = gitea.add_user(f"bot-{namespace}"), f"fixes-{namespace}"
    gitea.add_repository("ann", name, "ben", f"bot-{namespace}")
    for folder in ("repo/prod", "repo/chart/templates", "office"):
        (tmp_path / folder).mkdir(parents=True)
    target = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    made = Office(gitea, name, target, token, tmp_path / "office")
    images = {"web": "shop/web", "worker": "shop/web", "tool": "HOST/tool:2.0.0"}
    files = {
        f"prod/{name}.yaml": _WORKLOAD.replace("NAME", name).replace("IMAGE", image)
        for name, image in images.items()
    }
    files["prod/kustomization.yaml"] = _KUSTOMIZATION
    files["chart/Chart.yaml"] = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
    files["chart/values.yaml"] = _VALUES
    for each in ("web", "tool"):
        text = _TEMPLATE.replace("chart-{{ .NAME }}", f"chart-{each}").replace("NAME", each)
        files[f"chart/templates/{each}.yaml"] = text
    for path, text in files.items():
        (target.repo / path).write_text(text.replace("HOST", registry.host))
    made.push()
    made.configure()
    file = made.home / "plumbline.yaml"
    document = json.loads(file.read_text())
    (shop,) = document["targets"]
    shop["source"]["path"] = "prod"
    chart = {**shop, "name": "chart", "source": {**shop["source"], "path": "chart"}}
    document["targets"].append(chart)
    document["images"] = {
        "policies": [
            {"image": "*/web", "newer": "minor"},
            {"image": "*/tool", "digest": True, "newer": "patch"},
        ],
        "registries": [{"host": registry.host, "plain_http": True}],
    }
    file.write_text(json.dumps(document))
    return made


def lines(document: dict[str, Any]) -> str:
    found = (each for each in document["diff"].split("\n") if each[:1] in ("+", "-"))
    return "".join(f"{each}\n" for each in found if not each.startswith(("+++", "---")))


def measured_of(
    office: Office, **pods: tuple[str, Sequence[WrittenPlace], Sequence[FileDrift]]
) -> dict[str, Any]:
    """Gives a look at pods: which image each runs, where it wrote, what differs."""
    namespace = office.target.namespaces[0]
    looks = []
    for name, (image, written, drifts) in pods.items():
        pod = f"{name.replace('_', '-')}-6d4f5b-bcdfg"
        ref = ContainerRef(namespace, pod, name, "app", name, image)
        at = "2026-11-25T08:00:00Z"
        looks.append(ContainerLook(ref, tuple(drifts), started_at=at, written=tuple(written)))
    return node_document(NodeLook("vm", "2026-11-25T12:00:00Z", tuple(looks)))


def pull(office: Office, gitea: Gitea) -> None:
    """Has the work tree be what was merged."""
    url = office.remote(f"{gitea.url}/ann/{office.name}.git")
    git(office.target.repo, "pull", "--quiet", url, "main")
    git(office.target.repo, "branch", "--force", "origin-main", "HEAD")


def test_images_are_updated_and_manifests_hardened(
    office: Office, gitea: Gitea, registry: RegistryServer
) -> None:
    tool = registry.push("tool:2.0.0", "tool")
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        registry.push(f"web:{version}", version)
    ran = office.run("images", "shop", "--update", "-o", "json")
    assert (ran.code, ran.document["left"]) == (0, []), ran
    first = office.pull_of(ran)
    assert first["head"]["ref"] == "plumbline/images/shop"
    assert first["title"] == "Update images of shop: 3 images in 3 objects"
    host = registry.host
    # One value decides about two workloads; what is pinned is so where it stands.
    assert office.diff(first["number"]) == (
        '-  newTag: "1.0.0"   # bumped by hand\n+  newTag: "1.1.0"   # bumped by hand\n'
        f'-        image: "{host}/tool:2.0.0"   # the shop\'s\n'
        f'+        image: "{host}/tool:2.0.0@{tool.digest}"   # the shop\'s\n'
    )
    assert f"| `{host}/web:1.0.0` | `{host}/web:1.1.0` | `newer` |" in first["body"]

    # A chart's values say the same otherwise.
    ran = office.run("images", "chart", "--update", "--dry-run", "-o", "json")
    assert (ran.code, ran.document["left"], ran.document["pullRequest"]) == (1, [], None)
    assert lines(ran.document) == (
        f"-  image: {{repository: {host}/web, tag: 1.0.0}}   # what people see\n"
        f'+  image: {{repository: {host}/web, tag: "1.1.0"}}   # what people see\n'
        '-    tag: "2.0.0"   # as agreed upon\n'
        f'+    tag: "2.0.0@{tool.digest}"   # as agreed upon\n'
    )

    # Another version, and it is the same request.
    registry.push("web:1.2.0", "1.2.0")
    second = office.pull_of(office.run("images", "shop", "--update", "-o", "json"))
    assert (second["number"], len(office.pulls("all"))) == (first["number"], 1)
    assert '+  newTag: "1.2.0"   # bumped by hand\n' in office.diff(first["number"])
    office.await_mergeable(first["number"], True)
    office.merge(first["number"])
    assert office.run("images", "shop").code == 0
    done = office.run("images", "shop", "--update")
    assert (done.code, "Nothing to fix" in done.stdout, office.pulls()) == (0, True, [])

    # What is declared by digest stays so when a newer tag comes.
    pull(office, gitea)
    patched = registry.push("tool:2.0.1", "patched")
    third = office.pull_of(office.run("images", "shop", "--update", "-o", "json"))
    assert f'+        image: "{host}/tool:2.0.1@{patched.digest}"' in office.diff(third["number"])

    # Beside it stands what hardens.
    ran = office.run("guard", "audit", "shop", "--fix", "-o", "json")
    assert (ran.code, ran.document["left"]) == (1, []), ran
    (hardened,) = (e for e in office.pulls() if e["html_url"] == ran.document["pullRequest"])
    assert hardened["head"]["ref"] == "plumbline/harden/shop"
    assert office.diff(hardened["number"]) == _CONTEXT * 3
    office.await_mergeable(hardened["number"], True)
    office.merge(hardened["number"])
    found = office.run("guard", "audit", "shop", "-o", "json").document["findings"]
    rules = {each["rule"] for each in found}
    assert not rules & {"privilege-escalation", "seccomp", "token-mounted"}
    assert "root-filesystem-writable" in rules
    # What was measured makes roots read-only, with the volumes that they need.
    pull(office, gitea)
    file = office.home / "measured.json"
    tmp = WrittenPlace("/tmp", 1, expected=True, hides=False)
    state = FileState(FileType.REGULAR, 0o644, 0, 0)
    other = FileDrift("/opt/x", ChangeType.ADDED, Severity.LOW, "new file", None, state)
    look = measured_of(
        office,
        web=(f"{host}/web:1.2.0", [tmp], []),
        tool=(f"{host}/tool:2.0.0", [tmp], [other]),
    )
    file.write_text(json.dumps(look))
    measured = ("--measured", str(file), "--rule", "root-filesystem-writable")
    ran = office.run("guard", "audit", "shop", "--fix", *measured, "-o", "json")
    assert ran.code == 1
    assert [(each["resource"]["name"], each["reason"]) for each in ran.document["left"]] == [
        ("tool", "it wrote /opt/x"),
        ("worker", "no container of it was measured"),
    ]
    (read_only,) = (e for e in office.pulls() if e["html_url"] == ran.document["pullRequest"])
    assert office.diff(read_only["number"]) == _READ_ONLY
    assert "as measured in 1 pod (told by name) over 4 hours or more" in read_only["body"]
    # One value of the chart decides about both; alone it would stop the one that wants a volume.
    look = measured_of(
        office,
        chart_web=(f"{host}/web:1.0.0", [], []),
        chart_tool=(f"{host}/tool:2.0.0", [tmp], []),
    )
    file.write_text(json.dumps(look))
    ran = office.run("guard", "audit", "chart", "--fix", "--dry-run", *measured, "-o", "json")
    assert (ran.document["fixed"], ran.document["diff"]) == ([], "")
    ran = office.run("guard", "audit", "chart", "--fix", "--dry-run", "-o", "json")
    assert {each["rule"] for each in ran.document["left"]} == {"token-mounted"}
    assert "+  allowPrivilegeEscalation: false\n" in lines(ran.document)
