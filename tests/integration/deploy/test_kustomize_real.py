"""The kustomize base: the same as the chart; the example: as `plumbline init` would write it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import __version__
from reconciler.cli.main import main
from reconciler.core.enforcing import enforcement_rules
from reconciler.settings import Mode, load_settings
from tests.benchmarks.workload import commit
from tests.integration.deploy.conftest import MINIMAL, NAMESPACE, SHOP, Helm
from tests.tools.controlplane import ControlPlane
from tests.tools.running import ROOT

KUSTOMIZE = Path(__file__).parents[3] / "deploy" / "kustomize"

#: What Helm adds, or says in its own way.
_OF_HELM = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"}
_ANNOTATIONS = {"checksum/config", "helm.sh/resource-policy"}


def _built(plane: ControlPlane, folder: str) -> list[dict[str, Any]]:
    text = plane.kubectl("kustomize", str(KUSTOMIZE / folder)).stdout
    return [each for each in yaml.safe_load_all(text) if each]


def _named(objects: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Gives objects by kind and name, without what only one of the two tools writes."""
    named = {}
    for each in objects:
        _strip(each["metadata"])
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]
            _strip(pod["metadata"])
            for volume in pod["spec"]["volumes"]:
                if "configMap" in volume:
                    volume["configMap"] = "(the configuration)"
        if each["kind"] not in ("Namespace", "ConfigMap"):
            named[each["kind"], each["metadata"]["name"]] = each
    return named


def _strip(metadata: dict[str, Any]) -> None:
    for field, names in (("labels", _OF_HELM), ("annotations", _ANNOTATIONS)):
        for name in names:
            metadata.get(field, {}).pop(name, None)
        if not metadata.get(field, True):
            del metadata[field]


def _configuration(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == "ConfigMap"]
    content = yaml.safe_load(found["data"]["plumbline.yaml"])
    assert isinstance(content, dict)
    return content


def test_the_base_is_the_chart_with_its_defaults(helm: Helm) -> None:
    chart, base = helm.objects(), _built(helm.plane, "base")
    assert _configuration(base) == {**_configuration(chart), "targets": []}
    assert _named(base) == _named(chart)


@pytest.mark.parametrize("folder", ["agent", "agent-told", "agent-enforcing", "base", "example"])
def test_the_api_server_takes_it(control_plane: ControlPlane, folder: str) -> None:
    text = control_plane.kubectl("kustomize", str(KUSTOMIZE / folder)).stdout
    for name in ("plumbline", "plumbline-agent", "shop"):
        each = NAMESPACE.replace("plumbline", name)
        control_plane.kubectl("apply", "--server-side", "-f", "-", input=each)
    words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    done = control_plane.kubectl(*words, input=text)
    kind = "daemonset" if folder.startswith("agent") else "deployment"
    assert f"{kind}.apps/plumbline" in done.stdout
    assert "arning" not in done.stderr


def test_the_agent_is_the_chart_s(helm: Helm) -> None:
    (base,) = _named(_built(helm.plane, "agent")).values()
    made = _named(helm.objects({**MINIMAL, "agent": {"enabled": True}}))
    chart = made["DaemonSet", "plumbline-agent"]
    assert base["metadata"].pop("namespace") == "plumbline-agent"
    assert chart["metadata"].pop("namespace") == "plumbline"
    assert base == chart
    # The controller's Service must not find it.
    selector = made["Service", "plumbline"]["spec"]["selector"]
    assert not selector.items() <= chart["spec"]["template"]["metadata"]["labels"].items()


def test_the_enforcing_agent_is_the_chart_s(helm: Helm) -> None:
    name = "plumbline-agent-enforcement"
    base = _built(helm.plane, "agent-enforcing")
    rules = _rules(base, name)
    assert enforcement_rules(rules, name)  # as the program reads them
    enforcement = {"enabled": True, **rules}
    chart = helm.objects({**MINIMAL, "agent": {"enabled": True, "enforcement": enforcement}})
    assert _rules(chart, name) == rules
    of_both = [_named(each)["DaemonSet", "plumbline-agent"] for each in (base, chart)]
    for each in of_both:
        each["metadata"].pop("namespace")
    assert of_both[0] == of_both[1]


def _rules(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["metadata"]["name"] == name]
    rules = json.loads(found["data"]["rules.json"])
    assert isinstance(rules, dict)
    return rules


def test_the_base_alone_says_that_it_has_no_target(tmp_path: Path) -> None:
    config = KUSTOMIZE / "base" / "plumbline.yaml"
    command = [sys.executable, "-c", "from reconciler.cli.main import entry; entry()"]
    command += ["run", "--config", str(config)]
    home = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"no target is configured" in done.stderr


def test_the_example_replaces_the_configuration_and_the_image(control_plane: ControlPlane) -> None:
    objects = _built(control_plane, "example")
    written = (KUSTOMIZE / "example" / "plumbline.yaml").read_text(encoding="utf-8")
    assert _configuration(objects) == yaml.safe_load(written)
    (deployment,) = [each for each in objects if each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"registry.example/plumbline:{__version__}"
    (config,) = [each for each in objects if each["kind"] == "ConfigMap"]
    named = [each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each]
    assert named == [config["metadata"]["name"]] != ["plumbline"]


def test_the_example_s_roles_stay_in_their_namespaces(control_plane: ControlPlane) -> None:
    roles = {
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in _built(control_plane, "example")
        if each["kind"] in ("Role", "ClusterRole")
    }
    assert roles == {
        ("ClusterRole", None, "plumbline-plumbline"),
        ("Role", "plumbline", "plumbline"),
        ("Role", "plumbline", "plumbline-leases"),
        ("Role", "shop", "plumbline"),
    }


def test_the_example_s_rights_are_what_init_writes_for_it(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    example = KUSTOMIZE / "example"
    settings = load_settings(str(example / "plumbline.yaml"), {}, {})
    assert settings.targets[0].mode is Mode.RESTORE
    # Its repository is the demo's.
    repo = tmp_path / "shop"
    (repo / "deploy").mkdir(parents=True)
    for file in (SHOP / "deploy").iterdir():
        (repo / "deploy" / file.name).write_bytes(file.read_bytes())
    commit(repo)
    text = (example / "plumbline.yaml").read_text(encoding="utf-8")
    config, rights = tmp_path / "plumbline.yaml", tmp_path / "rbac.yaml"
    config.write_text(text.replace("https://git.example/shop.git", str(repo)), encoding="utf-8")
    words = ["init", "--rbac", "restorer", "--config", str(config), "--file", str(rights)]
    words += ["--kubeconfig", str(control_plane.kubeconfig)]
    folders = ["--cache-dir", str(tmp_path / "cache"), "--state-dir", str(tmp_path / "state")]
    assert main([*words, *folders]) == 0
    written = rights.read_text(encoding="utf-8")
    assert (example / "rbac.yaml").read_text(encoding="utf-8") == written


def test_agents_that_are_heard_are_the_chart_s(helm: Helm, tmp_path: Path) -> None:
    folder = tmp_path / "heard"
    folder.mkdir()
    (tmp_path / "kustomize").symlink_to(KUSTOMIZE)
    kustomization = {
        "resources": ["../kustomize/base", "../kustomize/agent-told"],
        "components": ["../kustomize/hearing"],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    text = helm.plane.kubectl("kustomize", str(folder)).stdout
    base = _named([each for each in yaml.safe_load_all(text) if each])
    agent = {"enabled": True, "tlsSecret": {"name": "plumbline-agents"}}
    chart = _named(helm.objects({**MINIMAL, "agent": agent}))
    # In a namespace of their own, as one that admits them shall admit nothing else.
    for name in (("ServiceAccount", "plumbline-agent"), ("DaemonSet", "plumbline-agent")):
        assert base[name]["metadata"].pop("namespace") == "plumbline-agent"
        assert chart[name]["metadata"].pop("namespace") == "plumbline"
    for each in (base, chart):
        _in_order(each["Deployment", "plumbline"]["spec"]["template"]["spec"])
        each["Service", "plumbline"]["spec"]["ports"].sort(key=lambda port: port["name"])
    assert base == chart


def _in_order(pod: dict[str, Any]) -> None:
    """Puts a pod's lists in order; whose agents are heard is another one's there."""
    (container,) = pod["containers"]
    for listed in (container["env"], container["ports"], container["volumeMounts"], pod["volumes"]):
        listed.sort(key=lambda each: each["name"])
    for variable in container["env"]:
        if variable["name"] == "PLUMBLINE_AGENTS":
            heard = json.loads(variable["value"])
            assert heard.pop("service_accounts")[0].endswith(":plumbline-agent")
            variable["value"] = heard
