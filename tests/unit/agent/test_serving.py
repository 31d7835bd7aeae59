"""The agent's small server, over real sockets."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from reconciler.agent import serving
from reconciler.agent.serving import Serving


class Health:
    """What the server asks."""

    trouble = ""


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def served(health: Health) -> Iterator[Serving]:
    made = Serving(("127.0.0.1", 0), lambda: "a 1\n", lambda: health.trouble)
    made.start()
    yield made
    made.stop()


def ask(served: Serving, path: str, method: str = "GET") -> tuple[int, str]:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        client.request(method, path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def test_what_is_answered(served: Serving, health: Health) -> None:
    assert ask(served, "/metrics") == (200, "a 1\n")
    assert ask(served, "/metrics?x=1") == (200, "a 1\n")
    assert ask(served, "/healthz") == (200, "ok\n")
    health.trouble = "no look has ended for 400 seconds"
    assert ask(served, "/healthz") == (503, "no look has ended for 400 seconds\n")
    assert ask(served, "/etc/passwd") == (404, "not here\n")
    assert ask(served, "/metrics", "POST")[0] == 501


def test_who_says_nothing_is_cut_off(served: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_PATIENCE", 0.05)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        assert client.recv(1) == b""


def test_many_at_a_time_are_refused_and_the_next_is_served(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(16)]
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        assert client.recv(1) == b""
    for each in held:
        each.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert each.recv(12) == b"HTTP/1.0 200"
        each.close()


def test_an_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Serving(("127.0.0.1", taken.getsockname()[1]), str, str)
