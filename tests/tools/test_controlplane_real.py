"""The real programs: what only they can prove."""

import json
import time
from collections.abc import Callable

import pytest

from tests.tools.controlplane import ControlPlane


def test_it_serves_the_stamped_version(control_plane: ControlPlane) -> None:
    version = json.loads(control_plane.kubectl("get", "--raw", "/version").stdout)
    assert version["gitVersion"].startswith("v1.")
    assert version["gitVersion"].startswith(f"v{version['major']}.{version['minor']}.")


# The manager puts into Kubernetes' own roles what is in them.
@pytest.mark.usefixtures("controller_manager")
def test_another_user_has_the_rights_that_rbac_gives(
    control_plane: ControlPlane, namespace: str
) -> None:
    who = json.loads(
        control_plane.kubectl("auth", "whoami", "-o", "json", user="jane", groups=["devs"]).stdout
    )["status"]["userInfo"]
    assert who["username"] == "jane"
    assert set(who["groups"]) == {"devs", "system:authenticated"}
    ask = ("get", "configmaps", "-n", namespace)
    refused = control_plane.kubectl(*ask, user="jane", groups=["devs"], check=False)
    assert "Forbidden" in refused.stderr
    control_plane.kubectl(
        "create", "rolebinding", "devs", "--clusterrole=view", "--group=devs", "-n", namespace
    )
    # The authorizer reads bindings from a cache that follows a moment later.
    _until(
        lambda: (
            control_plane.kubectl(*ask, user="jane", groups=["devs"], check=False).returncode == 0
        ),
        "jane may not read what the binding lets her",
    )


def _until(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def test_a_pod_can_be_created_at_once(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("run", "web", "--image=nginx", "-n", namespace)


@pytest.mark.usefixtures("controller_manager")
def test_the_controller_manager_makes_a_replica_set(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.kubectl("create", "deployment", "web", "--image=nginx", "-n", namespace)
    made = ("get", "rs,pods", "-n", namespace, "-o", "name")
    _until(
        lambda: control_plane.kubectl(*made).stdout.count("web-") >= 2,
        "no ReplicaSet with a Pod",
    )


def test_an_extra_flag_reaches_the_api_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("audit")
    policy = folder / "policy.yaml"
    policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
    log = folder / "audit.log"
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={log}")
    with ControlPlane(flags) as plane:
        plane.kubectl("create", "configmap", "seen")
    users = {json.loads(line)["user"]["username"] for line in log.read_text().splitlines()}
    assert "admin" in users
