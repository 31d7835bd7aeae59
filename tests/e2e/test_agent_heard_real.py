"""Agents and controller, installed by the chart on a real node: what one sees, the other shows."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import IMAGE, Installed
from tests.tools.controlplane.certificates import Authority
from tests.tools.documents import ROOT
from tests.tools.node.images import write_busybox
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("node")

_REPOSITORY, _TAG = IMAGE.split(":")
_SEEN = "localhost/heard:1"
_SPACE = "heard"
_NAME = "plumbline.plumbline.svc"


@pytest.fixture
def heard(installed: Installed) -> Iterator[Installed]:
    """The chart with agents, a certificate as it wants one, and a pod to be tampered with."""
    authority = Authority("agents", datetime.now(UTC))
    pair = authority.issue_server(_NAME, [_NAME], [])
    files = {"ca.crt": authority.pair.certificate, "tls.crt": pair.certificate, "tls.key": pair.key}
    for name, content in files.items():
        (installed.folder / name).write_bytes(content)
    installed.configure("observe")
    installed.run(installed.plumbline, "init", "--rbac", "reader", "--output", "values")
    for namespace in ("plumbline", _SPACE):
        installed.kubectl("create", "namespace", namespace)
    secret = ("create", "secret", "generic", "-n", "plumbline")
    installed.kubectl(*secret, "git", f"--from-literal=credentials={installed.credentials}")
    sources = [f"--from-file={installed.folder / name}" for name in files]
    installed.kubectl(*secret, "agents-tls", *sources)
    image = f"image.repository={_REPOSITORY},image.tag={_TAG},image.pullPolicy=Never"
    agents = "agent.enabled=true,agent.tlsSecret.name=agents-tls"
    installed.run(
        *(installed.helm, "install", "plumbline", ROOT / "deploy" / "chart", "-n", "plumbline"),
        *("-f", "values.yaml", "--set", f"{image},git.credentialsSecret.name=git,{agents}"),
    )
    words = ("get", "service", "plumbline", "-n", "plumbline", "-o", "jsonpath={.spec.clusterIP}")
    # This cluster has no DNS.
    alias = [{"ip": installed.kubectl(*words), "hostnames": [_NAME]}]
    patch = json.dumps({"spec": {"template": {"spec": {"hostAliases": alias}}}})
    installed.kubectl("patch", "ds", "plumbline-agent", "-n", "plumbline", "-p", patch)
    installed.node.import_image(write_busybox(installed.folder / "heard.tar", _SEEN))
    (installed.folder / "pod.yaml").write_text(yaml.safe_dump(_pod()), encoding="utf-8")
    file = str(installed.folder / "pod.yaml")
    until(lambda: "created" in installed.kubectl("apply", "-f", file, check=False), "a pod is made")
    ready = ("wait", "pod", "web", "-n", _SPACE, "--for=condition=Ready", "--timeout=90s")
    installed.kubectl(*ready)
    installed.await_ready()
    yield installed
    # With their pods: a namespace waits for as long as these may take to end.
    workloads = ("delete", "ds,deploy", "--all", "--cascade=foreground", "--wait")
    installed.kubectl(*workloads, "-n", "plumbline")
    installed.kubectl("delete", "namespace", _SPACE, "--wait=false")
    installed.kubectl("delete", "clusterrole,clusterrolebinding", "plumbline-plumbline-agents")


def _pod() -> dict[str, Any]:
    container = {"name": "app", "image": _SEEN, "imagePullPolicy": "Never"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": _SPACE},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def _shown(installed: Installed) -> list[dict[str, Any]]:
    """Gives the drifts of our pod that `plumbline containers` shows in the controller's pod."""
    verb = ("plumbline", "containers", "-n", _SPACE, "-o", "json")
    words = ("exec", "-n", "plumbline", "deploy/plumbline", "--", *verb)
    out = installed.kubectl(*words, check=False)
    nodes = json.loads(out)["nodes"] if out else []
    return [drift for node in nodes if node["look"] for drift in node["look"]["drifts"]]


def test_what_an_agent_sees_the_controller_shows(heard: Installed) -> None:
    pod = ("exec", "-n", _SPACE, "web", "--", "sh", "-c")
    heard.kubectl(*pod, "cp /bin/busybox /sleep; (/sleep 7012 >/dev/null 2>&1 &)")
    logs = ("logs", "ds/plumbline-agent", "-n", "plumbline", "--tail=20")
    until(lambda: len(_shown(heard)) == 2, lambda: heard.kubectl(*logs) + heard.trouble())
    process, file = sorted(_shown(heard), key=lambda drift: str(drift["type"]), reverse=True)
    assert (process["executable"], process["origin"]) == ("/sleep", "added")
    assert (file["path"], file["change"]) == ("/sleep", "added")
    container = file["container"]
    assert (container["namespace"], container["pod"], container["node"]) == (_SPACE, "web", "node")
    uid = ("get", "pod", "web", "-n", _SPACE, "-o", "jsonpath={.metadata.uid}")
    assert container["podUid"] == heard.kubectl(*uid)
    assert "✓ node agents" in heard.pod("plumbline", "doctor", "--no-color")
    until(lambda: 'plumbline_nodes{state="heard"} 1.0' in _metrics(heard), "it is counted")
    # Its token says who it is to the controller, and opens nothing of the API.
    token = heard.kubectl(
        *("exec", "-n", "plumbline", "ds/plumbline-agent", "--"),
        *("cat", "/var/run/secrets/plumbline/token"),
    )
    refused = heard.node.plane.kubectl(
        "--kubeconfig=/dev/null",
        f"--server={heard.node.plane.url}",
        "--insecure-skip-tls-verify",
        f"--token={token}",
        "get",
        "pods",
        check=False,
    )
    assert "Unauthorized" in refused.stderr or "logged in" in refused.stderr


def _metrics(installed: Installed) -> str:
    label = "--selector=app.kubernetes.io/name=plumbline"
    words = ("get", "pods", label, "-n", "plumbline", "-o", "jsonpath={.items[0].status.podIP}")
    argv = ["curl", "-sS", "--max-time", "5", f"http://{installed.kubectl(*words)}:8080/metrics"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
