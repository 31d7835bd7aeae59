"""The receiver and the recorder over real sockets: who is let in, and what nobody can do."""

import contextlib
import datetime as dt
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters import receiving as server_module
from reconciler.adapters.observations.admission_recorder import AdmissionRecorder
from reconciler.adapters.observations.audit_receiver import AuditReceiver
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.core.errors import ConfigError
from reconciler.core.resource import ResourceKey
from tests.tools.controlplane.certificates import Authority, KeyPair
from tests.unit.adapters.test_observations_events import audited, review

TOKEN = "s3same-0pen-audit-5517"
WEB = ResourceKey("apps", "Deployment", "shop", "web")
HOME = ("127.0.0.1", 0)
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)


@dataclass
class Keys:
    """Certificates in files."""

    folder: Path
    authority: Authority = field(default_factory=lambda: Authority("test", dt.datetime.now(dt.UTC)))

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def write(self, name: str, pair: KeyPair) -> tuple[Path, Path]:
        return self.file(f"{name}.crt", pair.certificate), self.file(f"{name}.key", pair.key)

    def server(self, **more: Any) -> Tls:
        pair = self.authority.issue_server("it", ["localhost"], ["127.0.0.1"])
        return Tls(*self.write("server", pair), **more)

    @property
    def ca(self) -> Path:
        return self.file("ca.crt", self.authority.pair.certificate)

    def context(self, client: KeyPair | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ca))
        if client is not None:
            context.load_cert_chain(*self.write("client", client))
        return context


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[[JsonServer], int]]:
    """Starts servers, and stops them."""
    made: list[JsonServer] = []

    def start(server: JsonServer) -> int:
        made.append(server)
        server.start()
        return server.port

    yield start
    for server in made:
        server.stop()


def post(
    port: int,
    path: str,
    body: object,
    *,
    token: str = "",
    context: ssl.SSLContext | None = None,
    method: str = "POST",
) -> tuple[int, bytes]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    try:
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [*events]}


# --- the audit receiver


def test_a_batch_is_taken_from_who_knows_the_token(
    keys: Keys, serve: Callable[[JsonServer], int]
) -> None:
    receiver = AuditReceiver(HOME, tls=keys.server(), token=TOKEN)
    port = serve(receiver)
    context = keys.context()
    for wrong in ("", "x", TOKEN + "x", "é"):
        forged = batch(audited(user={"username": "mallory"}))
        assert post(port, "/audit", forged, token=wrong, context=context)[0] == 401
    assert receiver.events_of(WEB) == []
    status, _ = post(port, "/audit", batch(audited(), {}), token=TOKEN, context=context)
    assert status == 200
    assert [event.user for event in receiver.events_of(WEB)] == ["jane"]


def test_nobody_is_believed_without_a_proof(keys: Keys) -> None:
    for tls in (None, keys.server()):
        with pytest.raises(ConfigError, match="anybody"):
            AuditReceiver(HOME, tls=tls)


def test_a_client_certificate_is_a_proof_of_its_name(
    keys: Keys, serve: Callable[[JsonServer], int]
) -> None:
    tls = keys.server(client_authority=keys.ca, client_names=frozenset({"kube-apiserver"}))
    receiver = AuditReceiver(HOME, tls=tls)
    port = serve(receiver)
    right = keys.context(keys.authority.issue_client("kube-apiserver"))
    assert post(port, "/audit", batch(audited()), context=right)[0] == 200
    other = keys.context(keys.authority.issue_client("jane"))
    assert post(port, "/audit", batch(audited()), context=other)[0] == 401
    stranger = Authority("other", dt.datetime.now(dt.UTC)).issue_client("kube-apiserver")
    for refused in (keys.context(), keys.context(stranger)):
        with pytest.raises(OSError):  # of TLS or of the connection, as it comes
            post(port, "/audit", batch(audited()), context=refused)
    assert receiver.received.batches == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/other", b"{}", HTTPStatus.NOT_FOUND),
        ("GET", "/audit", b"", HTTPStatus.NOT_IMPLEMENTED),
        ("POST", "/audit", b"{", HTTPStatus.BAD_REQUEST),
        ("POST", "/audit", b"[]", HTTPStatus.OK),
        ("POST", "/audit?timeout=30s", b'{"items": 1}', HTTPStatus.OK),
        ("POST", "/audit", b"x" * 2000, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_all_else_is_refused(
    serve: Callable[[JsonServer], int], method: str, path: str, body: bytes, status: int
) -> None:
    port = serve(AuditReceiver(HOME, tls=None, token=TOKEN, limit=1000))
    assert post(port, path, body, token=TOKEN, method=method)[0] == status


def test_a_body_without_a_length_is_not_read(serve: Callable[[JsonServer], int]) -> None:
    port = serve(AuditReceiver(HOME, tls=None, token=TOKEN))
    for header in ("Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 9e9"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            head = f"POST /audit HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n{header}\r\n\r\n"
            connection.sendall(head.encode())
            assert b" 411 " in connection.recv(1000)


def test_no_number_is_too_long(serve: Callable[[JsonServer], int]) -> None:
    port = serve(AuditReceiver(HOME, tls=None, token=TOKEN))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = f"POST /audit HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection.sendall(f"{head}Content-Length: {'9' * 5000}\r\n\r\n".encode())
        assert b" 413 " in connection.recv(1000)


def test_a_connection_serves_many_batches(serve: Callable[[JsonServer], int]) -> None:
    receiver = AuditReceiver(HOME, tls=None, token=TOKEN)
    port = serve(receiver)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        for _ in range(3):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            connection.request("POST", "/audit", json.dumps(batch(audited())), headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            sock = connection.sock
            assert sock is not None
    assert receiver.received.batches == 3
    assert len(receiver.events_of(WEB)) == 1


# --- what nobody can do


class Patient(JsonServer):
    """Answers anything, within narrow bounds."""

    def __init__(self, bounds: Bounds, tls: Tls | None) -> None:
        super().__init__(HOME, "/", bounds, tls)

    def answer(self, body: bytes, headers: Message) -> Reply:
        return Reply(HTTPStatus.OK)

    def after(self, body: bytes) -> None:
        pass


def test_who_is_silent_in_a_handshake_holds_up_nobody(
    keys: Keys, serve: Callable[[JsonServer], int]
) -> None:
    port = serve(Patient(Bounds(body=100, patience=1.0), keys.server()))
    silent = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(5)]
    begun = time.monotonic()
    assert post(port, "/", b"{}", context=keys.context())[0] == 200
    assert time.monotonic() - begun < 0.9
    for each in silent:
        assert each.recv(1) == b""
        each.close()


def test_who_trickles_is_cut_off(serve: Callable[[JsonServer], int]) -> None:
    port = serve(Patient(Bounds(body=100, patience=0.5, idle=0.5), None))
    for begin in (b"", b"POST / HTTP/1.1\r\nContent-Length: 90\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            begun = time.monotonic()
            connection.sendall(begin)
            # A byte every now and then would keep a mere time limit of a socket from ever ending.
            with contextlib.suppress(ConnectionError):
                while time.monotonic() - begun < 5:
                    connection.sendall(b"x")
                    time.sleep(0.1)
            assert time.monotonic() - begun < 3


def test_more_connections_than_allowed_are_closed_at_once(
    serve: Callable[[JsonServer], int],
) -> None:
    port = serve(Patient(Bounds(body=100, connections=2), None))
    held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(2)]
    third = socket.create_connection(("127.0.0.1", port), timeout=10)
    with third, contextlib.suppress(ConnectionError):
        assert third.recv(1) == b""
    for each in held:
        each.close()
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if post(port, "/", b"{}")[0] == 200:
                break
        assert time.monotonic() < deadline, "room that was left isn't given to others"


def test_stopping_closes_every_connection(keys: Keys) -> None:
    server = Patient(Bounds(body=100), keys.server())
    server.start()
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with keys.context().wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        server.stop()
        with contextlib.suppress(OSError):
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_a_renewed_certificate_is_taken(
    keys: Keys, serve: Callable[[JsonServer], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_RENEWAL", 0.0)
    port = serve(Patient(Bounds(body=100), keys.server()))
    context = keys.context()
    assert post(port, "/", b"{}", context=context)[0] == 200
    renewed = Keys(keys.folder)
    keys.file("server.key", b"half written")
    time.sleep(0.3)
    assert post(port, "/", b"{}", context=context)[0] == 200
    renewed.server()
    fresh = renewed.context()
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(ssl.SSLError):
            assert post(port, "/", b"{}", context=fresh)[0] == 200
            break
        assert time.monotonic() < deadline, "the old certificate is still shown"


def test_what_cannot_be_served_is_said(keys: Keys) -> None:
    broken = Tls(keys.file("a.crt", b"x"), keys.file("a.key", TOKEN.encode()))
    with pytest.raises(ConfigError, match=r"a\.crt") as refused:
        Patient(Bounds(body=1), broken)
    assert TOKEN not in str(refused.value)
    with socket.create_server(HOME) as taken, pytest.raises(ConfigError, match="can't listen"):
        AuditReceiver(("127.0.0.1", taken.getsockname()[1]), tls=None, token=TOKEN)


# --- the admission recorder


@pytest.fixture
def recorder(keys: Keys, serve: Callable[[JsonServer], int]) -> AdmissionRecorder:
    made = AdmissionRecorder(HOME, tls=keys.server(), clock=lambda: NOW)
    serve(made)
    return made


def _asked(recorder: AdmissionRecorder, keys: Keys, body: object) -> dict[str, Any]:
    before = recorder.asked.reviews
    status, answer = post(recorder.port, recorder.path, body, context=keys.context())
    assert status == 200
    deadline = time.monotonic() + 10
    while recorder.asked.reviews == before:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    document: dict[str, Any] = json.loads(answer)
    assert document["kind"] == "AdmissionReview"
    response: dict[str, Any] = document["response"]
    return response


def test_a_review_is_allowed_and_recorded(recorder: AdmissionRecorder, keys: Keys) -> None:
    assert _asked(recorder, keys, review()) == {"uid": "705ab4f5", "allowed": True}
    deadline = time.monotonic() + 10
    key = ResourceKey("", "ConfigMap", "shop", "web")
    while not recorder.events_of(key):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert [event.user for event in recorder.events_of(key)] == ["jane"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"request": 1}',
        b'{"request": {"uid": [1]}}',
        b"[" * 5000,
        json.dumps(review(object={"metadata": {"managedFields": 1}}, uid="u")).encode(),
        json.dumps(review(userInfo=[1], options="x", uid="u")).encode(),
    ],
)
def test_whatever_it_is_asked_it_allows(
    recorder: AdmissionRecorder, keys: Keys, body: bytes
) -> None:
    response = _asked(recorder, keys, body)
    assert response["allowed"] is True
    assert "patch" not in response
    assert _asked(recorder, keys, review())["allowed"] is True


def test_an_answer_does_not_wait_for_the_network(recorder: AdmissionRecorder, keys: Keys) -> None:
    """Headers and body in two packets would take 40 ms each time: a delayed acknowledgement."""
    context = keys.context()
    connection = http.client.HTTPSConnection("127.0.0.1", recorder.port, context=context)
    took = []
    with contextlib.closing(connection):
        for _ in range(50):
            begun = time.perf_counter()
            connection.request("POST", recorder.path, json.dumps(review()))
            connection.getresponse().read()
            took.append(time.perf_counter() - begun)
    # The fastest: on a busy machine the others tell of that alone.
    assert min(took[1:]) < 0.02
