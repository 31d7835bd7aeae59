"""Every way to say who we are, at the real API server."""

import base64
import contextlib
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.cluster.access import ServiceAccount
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.errors import ClusterError, ConfigError
from reconciler.core.live import Listing
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.kinds import named
from tests.integration.cluster.conftest import Connect
from tests.tools.controlplane import ControlPlane

CONFIG_MAP = named("ConfigMap")
EXEC = "client.authentication.k8s.io/v1"


def reads(cluster: KubeCluster, namespace: str) -> bool:
    state = cluster.read([Listing(CONFIG_MAP, frozenset({namespace}))])
    return state.unread == ()


def credential_program(status: dict[str, Any], *, counter: Path) -> str:
    credential = json.dumps({"apiVersion": EXEC, "kind": "ExecCredential", "status": status})
    return textwrap.dedent(f"""\
        import pathlib
        counter = pathlib.Path({str(counter)!r})
        counter.write_text((counter.read_text() if counter.exists() else "") + "x")
        print({credential!r})
    """)


def test_a_token(
    connect: Connect, written: Callable[..., Path], token: str, namespace: str
) -> None:
    assert reads(connect(written({"token": token})), namespace)


def test_a_token_file_named_relative_to_the_kubeconfig(
    connect: Connect, written: Callable[..., Path], token: str, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(f"{token}\n")
    assert reads(connect(written({"tokenFile": "token"})), namespace)


def test_a_wrong_token_says_what_to_do_and_not_what_it_was(
    connect: Connect, written: Callable[..., Path]
) -> None:
    cluster = connect(written({"token": "wr0ng-t0ken"}))
    with pytest.raises(ClusterError, match="doesn't accept the credentials of context") as caught:
        cluster.catalog()
    assert "log in again" in caught.value.fix
    assert "wr0ng" not in str(caught.value)


def test_a_programs_token_is_asked_for_once(
    connect: Connect,
    written: Callable[..., Path],
    program: Callable[[str], Path],
    token: str,
    namespace: str,
    tmp_path: Path,
) -> None:
    counter = tmp_path / "counter"
    code = credential_program({"token": token}, counter=counter)
    config = {"apiVersion": EXEC, "command": str(program(code)), "interactiveMode": "Never"}
    cluster = connect(written({"exec": config}))
    assert reads(cluster, namespace)
    assert reads(cluster, namespace)
    assert counter.read_text() == "x"


def test_an_expired_token_is_asked_for_again(
    connect: Connect,
    written: Callable[..., Path],
    program: Callable[[str], Path],
    token: str,
    namespace: str,
    tmp_path: Path,
) -> None:
    counter = tmp_path / "counter"
    status = {"token": token, "expirationTimestamp": "2020-01-01T00:00:00Z"}
    code = credential_program(status, counter=counter)
    config = {"apiVersion": EXEC, "command": str(program(code)), "interactiveMode": "Never"}
    cluster = connect(written({"exec": config}))
    assert reads(cluster, namespace)
    once = len(counter.read_text())
    assert reads(cluster, namespace)
    assert len(counter.read_text()) > once


def test_a_programs_certificate(
    connect: Connect,
    written: Callable[..., Path],
    program: Callable[[str], Path],
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
) -> None:
    user = yaml.safe_load(control_plane.kubeconfig.read_text())["users"][0]["user"]
    status = {
        "clientCertificateData": base64.b64decode(user["client-certificate-data"]).decode(),
        "clientKeyData": base64.b64decode(user["client-key-data"]).decode(),
    }
    code = credential_program(status, counter=tmp_path / "counter")
    config = {"apiVersion": EXEC, "command": str(program(code)), "interactiveMode": "Never"}
    assert reads(connect(written({"exec": config})), namespace)


def test_a_program_that_fails_is_named_and_not_quoted(
    connect: Connect, written: Callable[..., Path], program: Callable[[str], Path]
) -> None:
    code = "import sys; print('s3cret', file=sys.stderr); sys.exit(3)"
    path = program(code)
    config = {"apiVersion": EXEC, "command": str(path), "interactiveMode": "Never"}
    with pytest.raises(ConfigError, match="credential program") as caught:
        connect(written({"exec": config})).catalog()
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_program_that_is_not_there_gives_its_hint(
    connect: Connect, written: Callable[..., Path]
) -> None:
    config = {"apiVersion": EXEC, "command": "no-such-login", "installHint": "install\nit first"}
    with pytest.raises(ConfigError) as caught:
        connect(written({"exec": config})).catalog()
    assert caught.value.fix == "install it first"


def test_a_pods_own_account(
    control_plane: ControlPlane, token: str, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_bytes(control_plane.ca.read_bytes())
    (tmp_path / "namespace").write_text(namespace)
    pod = KubeCluster.connect(
        None,
        None,
        search=[tmp_path / "no-kubeconfig"],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
        account=ServiceAccount(tmp_path, control_plane.url),
    )
    with contextlib.closing(pod) as cluster:
        assert cluster.namespace == namespace
        assert reads(cluster, namespace)
