"""Witnesses as they are configured: started, asked, ended, and what they saw kept."""

import datetime as dt
import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.observations.admission_recorder import PATH
from reconciler.core.actors import AuditEvent
from reconciler.core.errors import ConfigError
from reconciler.core.resource import ResourceKey
from reconciler.ports import Witnesses
from reconciler.settings import WitnessSettings
from reconciler.witnessing import witnesses_of
from tests.tools.controlplane.certificates import Authority
from tests.tools.controlplane.servers import free_port
from tests.tools.running import until
from tests.unit.adapters.test_observations_events import audited, review

WEB = ResourceKey("apps", "Deployment", "shop", "web")
CONFIG = ResourceKey("", "ConfigMap", "shop", "web")
TOKEN = "s3same-0pen-audit-5517"


@dataclass(frozen=True)
class Place:
    """Where certificates, a token and what was witnessed are."""

    folder: Path
    authority: Authority

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def tls(self) -> dict[str, str]:
        return {
            "certificate": str(self.folder / "it.crt"),
            "key": str(self.folder / "it.key"),
        }

    @property
    def token_file(self) -> str:
        return str(self.folder / "token")

    def post(self, port: int, path: str, document: Mapping[str, Any], token: str = "") -> int:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            client.request("POST", path, json.dumps(document), headers)
            answer = client.getresponse()
            answer.read()
            return answer.status
        finally:
            client.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    authority = Authority("test", dt.datetime.now(dt.UTC))
    pair = authority.issue_server("it", ["localhost"], ["127.0.0.1"])
    (tmp_path / "ca.crt").write_bytes(authority.pair.certificate)
    (tmp_path / "it.crt").write_bytes(pair.certificate)
    (tmp_path / "it.key").write_bytes(pair.key)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return Place(tmp_path, authority)


def batch() -> dict[str, Any]:
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [audited()]}


def seen(witnesses: Witnesses | None, key: ResourceKey = WEB) -> list[AuditEvent]:
    assert witnesses is not None
    return list(witnesses.events_of(key))


def test_where_none_is_configured_there_is_none(place: Place) -> None:
    with ExitStack() as stack:
        assert witnesses_of(WitnessSettings(), place.state, stack) is None
    assert not place.state.exists()


def test_an_audit_log_is_followed_and_not_read_twice(place: Place) -> None:
    log = place.folder / "audit.log"
    log.write_text(json.dumps(audited()) + "\n")
    settings = WitnessSettings(audit_log=str(log))
    with ExitStack() as stack:
        witnesses = witnesses_of(settings, place.state, stack)
        until(lambda: bool(seen(witnesses)), "the log is read", 30)
        assert [event.user for event in seen(witnesses)] == ["jane"]
    log.write_text("")
    with ExitStack() as stack:
        assert [event.user for event in seen(witnesses_of(settings, place.state, stack))] == [
            "jane"
        ]


def test_an_audit_webhook_takes_what_has_the_token_and_keeps_it(place: Place) -> None:
    port = free_port()
    settings = WitnessSettings(
        audit_webhook=f"127.0.0.1:{port}", token_file=place.token_file, **place.tls
    )
    with ExitStack() as stack:
        witnesses = witnesses_of(settings, place.state, stack)
        assert place.post(port, "/audit", batch(), "wrong") in (401, 403)
        assert seen(witnesses) == []
        assert place.post(port, "/audit", batch(), TOKEN) == 200
        until(lambda: bool(seen(witnesses)), "the batch is kept", 30)
    with pytest.raises(OSError, match="refused"):
        place.post(port, "/audit", batch(), TOKEN)
    with ExitStack() as stack:
        assert [event.user for event in seen(witnesses_of(settings, place.state, stack))] == [
            "jane"
        ]


def test_an_admission_webhook_records_and_keeps_it(place: Place) -> None:
    port = free_port()
    settings = WitnessSettings(admission=f"127.0.0.1:{port}", **place.tls)
    with ExitStack() as stack:
        witnesses = witnesses_of(settings, place.state, stack)
        assert place.post(port, PATH, review()) == 200
        until(lambda: bool(seen(witnesses, CONFIG)), "the review is kept", 30)
        before = seen(witnesses, CONFIG)
        assert [event.user for event in before] == ["jane"]
    with ExitStack() as stack:
        assert seen(witnesses_of(settings, place.state, stack), CONFIG) == before


def test_several_witnesses_are_one(place: Place) -> None:
    log, port = place.folder / "audit.log", free_port()
    log.write_text(json.dumps(audited(user={"username": "from-the-log"})) + "\n")
    settings = WitnessSettings(
        audit_log=str(log),
        audit_webhook=f"127.0.0.1:{port}",
        token_file=place.token_file,
        **place.tls,
    )
    with ExitStack() as stack:
        witnesses = witnesses_of(settings, place.state, stack)
        assert place.post(port, "/audit", batch(), TOKEN) == 200
        until(lambda: len(seen(witnesses)) == 2, "both are heard", 30)
        assert {event.user for event in seen(witnesses)} == {"from-the-log", "jane"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"audit_webhook": "127.0.0.1"}, "witnesses.audit_webhook: '127.0.0.1' has no port"),
        ({"audit_webhook": "127.0.0.1:http"}, "witnesses.audit_webhook: .* has no port"),
        ({"audit_webhook": "127.0.0.1:0"}, "would believe anybody"),
        ({"admission": "127.0.0.1:0"}, "witnesses.admission needs a certificate"),
        ({"audit_webhook": "127.0.0.1:0", "token_file": "/no/such"}, "token_file: /no/such can't"),
    ],
)
def test_what_cannot_be_is_named(place: Place, wanted: dict[str, str], message: str) -> None:
    with ExitStack() as stack, pytest.raises(ConfigError, match=message) as caught:
        witnesses_of(WitnessSettings(**wanted), place.state, stack)
    assert "fix: " in str(caught.value)


def test_an_admission_webhooks_address_needs_a_port(place: Place) -> None:
    settings = WitnessSettings(admission="localhost", **place.tls)
    with ExitStack() as stack, pytest.raises(ConfigError, match=r"witnesses.admission: .*no port"):
        witnesses_of(settings, place.state, stack)


def test_a_certificate_that_is_none_is_named(place: Place) -> None:
    (place.folder / "it.crt").write_text("no certificate")
    settings = WitnessSettings(admission="127.0.0.1:0", **place.tls)
    with ExitStack() as stack, pytest.raises(ConfigError, match=r"it\.crt"):
        witnesses_of(settings, place.state, stack)
