"""Credentials that the official client gets for us."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.cluster.credentials import ExecCredentials, ProviderCredentials
from reconciler.adapters.cluster.kubeconfig import find_access
from reconciler.core.errors import ConfigError

API = "client.authentication.k8s.io/v1"


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def provided(folder: Path, user: object) -> ProviderCredentials:
    path = folder / "config"
    document = {
        "current-context": "shop",
        "contexts": [{"name": "shop", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example"}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    credentials = find_access(str(path), None, []).credentials
    assert isinstance(credentials, ProviderCredentials)
    return credentials


def test_an_auth_providers_token(tmp_path: Path) -> None:
    token = f"{part({'alg': 'none'})}.{part({'exp': 4102444800})}.{part({})}"
    config = {"id-token": token, "idp-issuer-url": "https://issuer.example"}
    credentials = provided(tmp_path, {"auth-provider": {"name": "oidc", "config": config}})
    assert credentials.authorization() == f"Bearer {token}"
    assert credentials.certificate() is None
    assert credentials.renew()
    assert credentials.authorization() == f"Bearer {token}"


@pytest.mark.parametrize(
    "provider",
    [
        {"name": "azure", "config": {"access-token": "s3cret"}},
        {"name": "oidc", "config": {"client-secret": "s3cret"}},
        {"name": "oidc"},
    ],
)
def test_an_auth_provider_that_gives_no_token(tmp_path: Path, provider: object) -> None:
    with pytest.raises(ConfigError, match="auth-provider of user 'u'") as caught:
        provided(tmp_path, {"auth-provider": provider}).authorization()
    assert "s3cret" not in str(caught.value)


def executed(status: object, folder: Path, **more: object) -> ExecCredentials:
    document = json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": status})
    config = {"apiVersion": API, "command": "printf", "args": ["%s", document], **more}
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    return ExecCredentials(config, {"server": "https://api.example"}, folder, "u", lambda: now)


@pytest.mark.parametrize(
    ("expires", "calls"),
    [
        (None, 1),
        ("2026-11-24T13:00:00Z", 1),
        ("2026-11-24T12:00:10Z", 2),
        ("2026-11-24T11:00:00+00:00", 2),
        ("not a time", 2),
    ],
)
def test_a_program_is_run_again_when_its_token_ends(
    tmp_path: Path, expires: str | None, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"token": "t", **({"expirationTimestamp": expires} if expires else {})}
    credentials = executed(status, tmp_path)
    runs: list[ExecCredentials] = []
    run = ExecCredentials._run

    def counted(self: ExecCredentials) -> Mapping[str, Any]:
        runs.append(self)
        return run(self)

    monkeypatch.setattr(ExecCredentials, "_run", counted)
    assert [credentials.authorization() for _ in range(2)] == ["Bearer t", "Bearer t"]
    assert len(runs) == calls


def test_a_program_that_gives_a_certificate(tmp_path: Path) -> None:
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    credentials = executed(status, tmp_path)
    assert credentials.authorization() is None
    pair = credentials.certificate()
    assert pair is not None
    assert (pair.certificate, pair.key) == (b"CERT", b"KEY")


@pytest.mark.parametrize("status", [{}, {"clientKeyData": "s3cret"}])
def test_a_program_that_gives_nothing(tmp_path: Path, status: object) -> None:
    with pytest.raises(ConfigError, match="neither a token nor a certificate") as caught:
        executed(status, tmp_path).authorization()
    assert "s3cret" not in str(caught.value)


def test_a_program_that_answers_with_something_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="credential program 'printf' of user 'u' failed"):
        executed({"token": "t"}, tmp_path, args=["s3cret"]).authorization()
