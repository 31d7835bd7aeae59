"""How the controller is spoken to: addresses, files, answers."""

import http.client
import ssl
from pathlib import Path
from typing import Any

import pytest

from reconciler.agent import posting
from reconciler.agent.posting import Controller, PostError

SECRET = "eyJhbGciOiJ.s3same.t0ken"


class Connection:
    """Stands in for an HTTPS connection."""

    status = 200
    body = b'{"lacking": []}'
    fails: Exception | None = None

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.is_closed = False

    def __call__(self, host: str, port: int, **more: Any) -> "Connection":
        self.asked += [host, port]
        return self

    def request(self, *words: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.asked += words

    def getresponse(self) -> "Connection":
        return self

    def read(self, limit: int) -> bytes:
        return self.body[:limit]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()
    monkeypatch.setattr(http.client, "HTTPSConnection", made)
    monkeypatch.setattr(posting.Controller, "_context", lambda _: None)
    return made


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n", encoding="ascii")
    return file


def controller(token: Path, url: str = "https://plumbline:8444") -> Controller:
    return Controller.at(url, None, str(token))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://plumbline.ops.svc:8444", ("plumbline.ops.svc", 8444, "")),
        ("https://[::1]:8444/", ("::1", 8444, "")),
        ("https://drift.example/plumbline/", ("drift.example", 443, "/plumbline")),
    ],
)
def test_an_address_is_a_host_a_port_and_a_path(url: str, place: tuple[str, int, str]) -> None:
    made = Controller.at(url, "ca.crt", "token")
    assert (made.host, made.port, made.path) == place
    assert (made.authority, made.token) == (Path("ca.crt"), Path("token"))


@pytest.mark.parametrize(
    "url",
    [
        "plumbline:8444",
        "http://plumbline:8444",
        "https://",
        "https://a:b@plumbline",
        "https://plumbline?x=1",
        "https://plumbline/#x",
        "https://plumbline:99999",
        "https://plumbline/a b",
        "https://plumblin\u00e9",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^[^@]*$"):
        Controller.at(url, None, "token")


def test_the_token_is_read_anew_and_shown(connection: Connection, token: Path) -> None:
    made = controller(token, "https://plumbline:8444/x")
    assert made.post(b"body") == frozenset()
    host, port, method, path, body, headers = connection.asked
    assert (host, port, method, path, body) == ("plumbline", 8444, "POST", "/x/agents", b"body")
    assert headers["Authorization"] == f"Bearer {SECRET}"
    token.write_text("renewed.to.ken", encoding="ascii")
    connection.asked.clear()
    connection.body = b'{"lacking": ["a", "b"]}'
    assert made.post(b"body") == {"a", "b"}
    assert connection.asked[-1]["Authorization"] == "Bearer renewed.to.ken"
    assert connection.is_closed


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (
            403,
            b'{"error": "it is no agent\'s account"}',
            "it answers 403: it is no agent's account",
        ),
        (401, b"", "it answers 401"),
        (502, b"<html>", "it answers 502"),
        (400, b"[" * 100_000, "it answers 400"),
        (400, b"[]", "it answers 400"),
        (200, b"[]", "what answers there is no controller"),
        (200, b"hello", "what answers there is no controller"),
        (500, b'{"error": "%s"}' % (b"x" * 900), f"it answers 500: {'x' * 300}"),
    ],
)
def test_an_answer_says_why(
    connection: Connection, token: Path, status: int, body: bytes, why: str
) -> None:
    connection.status, connection.body = status, body
    with pytest.raises(PostError) as caught:
        controller(token).post(b"")
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TimeoutError("timed out"), "it doesn't answer within 15 seconds"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (http.client.BadStatusLine("x"), "x"),
        (ssl.SSLEOFError(8, "EOF occurred"), "EOF occurred"),
        (http.client.IncompleteRead(b"x"), "IncompleteRead(1 bytes read)"),
        (OSError(), "OSError"),
    ],
)
def test_a_way_that_is_not_there_is_named(
    connection: Connection, token: Path, error: Exception, why: str
) -> None:
    connection.fails = error
    with pytest.raises(PostError) as caught:
        controller(token).post(b"")
    assert str(caught.value) == why
    assert connection.is_closed


@pytest.mark.parametrize("content", [b"", b"\n", b"a b", b"a\nb", b"\xff", b"a\0b"])
def test_a_file_that_holds_no_token_is_not_shown(
    connection: Connection, token: Path, content: bytes
) -> None:
    token.write_bytes(content)
    with pytest.raises(PostError, match=r"token can't be read: it holds no token$"):
        controller(token).post(b"")
    token.unlink()
    with pytest.raises(PostError, match="token can't be read: No such file or directory"):
        controller(token).post(b"")
    assert connection.asked == []


def test_an_authority_is_read_anew(token: Path, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    made = Controller.at("https://127.0.0.1:9", str(file), str(token))
    with pytest.raises(PostError, match=r"ca.crt can't be read: No such file or directory"):
        made.post(b"")
    file.write_text("nonsense", encoding="ascii")
    with pytest.raises(PostError, match=r"ca.crt can't be read: "):
        made.post(b"")
