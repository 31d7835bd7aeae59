"""Plumbline as the README installs it, on a real node: image, chart, kustomize base."""

import json

import pytest
import yaml

from tests.e2e.conftest import IMAGE, Installed
from tests.tools.documents import ROOT
from tests.tools.running import until

pytestmark = pytest.mark.xdist_group("node")

_REPOSITORY, _TAG = IMAGE.split(":")
_CHART = ROOT / "deploy" / "chart"
_BASE = ROOT / "deploy" / "kustomize" / "base"


def install(installed: Installed, part: str = "restorer", mode: str = "restore") -> None:
    """Installs the chart as its README says."""
    installed.configure(mode)
    words = ("init", "--rbac", part, "--output", "values")
    installed.run(installed.plumbline, *words)
    installed.kubectl("create", "namespace", "plumbline")
    secret = ("create", "secret", "generic", "git", "-n", "plumbline")
    installed.kubectl(*secret, f"--from-literal=credentials={installed.credentials}")
    image = f"image.repository={_REPOSITORY},image.tag={_TAG},image.pullPolicy=Never"
    installed.run(
        *(installed.helm, "install", "plumbline", _CHART, "-n", "plumbline"),
        *("-f", "values.yaml", "--set", f"{image},git.credentialsSecret.name=git"),
    )
    installed.await_ready()


def events(installed: Installed) -> list[str]:
    """Gives what the controller's history says of the edited object."""
    words = ("history", "-o", "json", "--object", "ConfigMap/shop-settings")
    return [each["type"] for each in json.loads(installed.pod("plumbline", *words))["events"]]


def test_an_edit_by_kubectl_is_restored_by_the_installed_controller(installed: Installed) -> None:
    install(installed)
    installed.edit("USD")
    installed.await_restored()
    until(lambda: events(installed)[-1:] == ["gone"], "remembered")
    assert events(installed) == ["seen", "decided", "intended", "restored", "gone"]

    # Not root, nothing writable but the volumes, no right that it doesn't need.
    assert installed.pod("id", "-u").strip() == "65532"
    denied = "touch /opt/plumbline/x /etc/x /usr/x 2>/dev/null || echo refused"
    assert installed.pod("sh", "-c", denied).strip() == "refused"
    account = "--as=system:serviceaccount:plumbline:plumbline"
    for words in (("delete", "deploy", "-n", "shop"), ("create", "pods", "-n", "default")):
        assert installed.kubectl("auth", "can-i", *words, account, check=False).strip() == "no"
    installed.pod("plumbline", "doctor")  # ends with 0: nothing is to be mended

    # What it remembers outlives the pod.
    installed.kubectl("delete", "pod", "-n", "plumbline", "--all", "--wait")
    installed.await_ready()
    assert events(installed)[-1] == "gone"
    assert "all as written" in installed.pod("plumbline", "history", "verify")
    installed.edit("GBP")
    installed.await_restored()


def test_a_reader_reports_and_can_write_nothing(installed: Installed) -> None:
    install(installed, "reader", "observe")
    installed.edit("USD")
    until(lambda: events(installed)[-1:] == ["decided"], f"told; {installed.trouble()}")
    assert '"USD"' in installed.colour()
    account = "--as=system:serviceaccount:plumbline:plumbline"
    for verb in ("create", "update", "patch", "delete"):
        words = ("auth", "can-i", verb, "configmaps", "-n", "shop", account)
        assert installed.kubectl(*words, check=False).strip() == "no"
    installed.edit("EUR")


def test_the_kustomize_base_does_the_same(installed: Installed) -> None:
    installed.configure("restore")
    words = ("init", "--rbac", "restorer", "--file", "rbac.yaml")
    installed.run(installed.plumbline, *words)
    config = yaml.safe_load((installed.folder / "plumbline.yaml").read_text(encoding="utf-8"))
    own = {"group": "rbac.authorization.k8s.io", "namespace": "shop", "name": "plumbline"}
    config["targets"][0]["ignore"] = [{"kind": "Role*", **own, "reason": "its own rights"}]
    config["serve"] = {"address": "0.0.0.0:8080"}
    config["programs"] = {"credential_helper": "store --file=/etc/git/credentials"}
    (installed.folder / "plumbline.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    credentials = {"secretName": "git"}
    volume = {"name": "git", "secret": credentials}
    mount = {"name": "git", "mountPath": "/etc/git", "readOnly": True}
    patch = [
        {"op": "add", "path": "/spec/template/spec/volumes/-", "value": volume},
        {
            "op": "add",
            "path": "/spec/template/spec/containers/0/volumeMounts/-",
            "value": mount,
        },
    ]
    kustomization = {
        "resources": ["base", "rbac.yaml"],
        "configMapGenerator": [
            {
                "name": "plumbline",
                "namespace": "plumbline",
                "behavior": "replace",
                "files": ["plumbline.yaml"],
            }
        ],
        "secretGenerator": [
            {
                "name": "git",
                "namespace": "plumbline",
                "literals": [f"credentials={installed.credentials}"],
            }
        ],
        "images": [{"name": "plumbline", "newName": _REPOSITORY, "newTag": _TAG}],
        "patches": [{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(patch)}],
    }
    (installed.folder / "base").symlink_to(_BASE)
    file = installed.folder / "kustomization.yaml"
    file.write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    installed.kubectl("apply", "-k", str(installed.folder))
    installed.await_ready()
    installed.edit("USD")
    installed.await_restored()
