"""Certificates that a kubeconfig names, given to OpenSSL."""

import datetime as dt
import ssl
import tempfile
from pathlib import Path

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import ClientCertificate, FixedCredentials
from reconciler.adapters.cluster.tls import tls_context
from reconciler.core.errors import ConfigError
from tests.tools.controlplane.certificates import Authority


@pytest.fixture
def authority() -> Authority:
    return Authority("test", dt.datetime.now(dt.UTC))


def access(ca: str = "", *, verify: bool = True) -> Access:
    return Access("https://api.example", FixedCredentials(), ca=ca, verify=verify, context="shop")


def test_only_the_authority_that_is_named_is_trusted(authority: Authority) -> None:
    context = tls_context(access(authority.pair.certificate.decode()), None)
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_nothing_is_verified_where_that_is_asked_for() -> None:
    context = tls_context(access(verify=False), None)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_a_key_leaves_no_file_behind(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pair = authority.issue_client("jane")
    tls_context(access(), ClientCertificate(pair.certificate, pair.key))
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_not_the_certificates(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one, other = authority.issue_client("jane"), authority.issue_client("joe")
    with pytest.raises(ConfigError, match="client-certificate and client-key of context 'shop'"):
        tls_context(access(), ClientCertificate(one.certificate, other.key))
    assert list(tmp_path.iterdir()) == []


def test_an_authority_that_is_no_certificate() -> None:
    with pytest.raises(ConfigError, match="certificate-authority of context 'shop'"):
        tls_context(access("not a certificate"), None)
