"""Streams: who we are to the server, lines out of pieces, and cutting them off."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.cut import Cut
from reconciler.adapters.cluster.listing import RefusedError
from reconciler.adapters.cluster.proxied_streams import ProxiedStreamWire
from reconciler.adapters.cluster.streams import DirectStreamWire, Streams
from reconciler.adapters.cluster.wire import Limits, WireError, broken
from reconciler.core.errors import ClusterError
from tests.fakes.streams import Begin, ScriptedStreamWire
from tests.fakes.wire import answer, refusal

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Renewable(FixedCredentials):
    """Credentials of which the second is better than the first."""

    def __init__(self) -> None:
        super().__init__()
        self.__class__.token = "old"

    token = "old"

    def authorization(self) -> str:
        return f"Bearer {self.token}"

    def renew(self) -> bool:
        self.__class__.token = "new"
        return True


def streams(*script: Begin, fresh: bool = False) -> tuple[Streams, ScriptedStreamWire]:
    wire = ScriptedStreamWire(list(script))
    credentials = Renewable() if fresh else FixedCredentials("Bearer s3cret")
    return Streams(Access("https://api.example", credentials, context="test"), wire), wire


def lines(made: Streams, cut: Cut | None = None) -> Iterator[bytes]:
    return made.lines("/x", {"watch": "1"}, "application/json", cut or Cut())


def test_lines_are_put_together_from_pieces() -> None:
    made, wire = streams([b"a", b"b\nc\n\n", b"d", b"\n", b"half"])
    assert list(lines(made)) == [b"ab", b"c", b"d"]
    assert wire.closed == 1
    assert wire.asked[0].headers["Authorization"] == "Bearer s3cret"
    assert wire.asked[0].query == {"watch": "1"}


def test_a_line_that_does_not_end_is_not_kept_for_ever() -> None:
    made, wire = streams([b"x" * (1024 * 1024)] * 70)
    with pytest.raises(WireError, match="isn't HTTP"):
        list(lines(made))
    assert wire.closed == 1


def test_a_stream_is_closed_when_nobody_reads_it_any_more() -> None:
    made, wire = streams([b"a\n", b"b\n"])
    with contextlib.closing(made.lines("/x", {}, "", Cut())) as begun:
        assert next(begun) == b"a"
    assert wire.closed == 1


def test_refused_credentials_are_renewed_once() -> None:
    made, wire = streams(refusal(401), [b"a\n"], fresh=True)
    assert list(lines(made)) == [b"a"]
    assert [asked.headers["Authorization"] for asked in wire.asked] == ["Bearer old", "Bearer new"]
    assert wire.closed == 2


def test_credentials_that_cannot_be_renewed_are_told_of_without_them() -> None:
    made, wire = streams(refusal(401))
    with pytest.raises(ClusterError, match="credentials of context 'test'") as caught:
        lines(made)
    assert "s3cret" not in str(caught.value)
    assert wire.closed == 1


def test_a_refusal_is_read_to_its_end_and_not_further() -> None:
    made, wire = streams(answer({"kind": "Status", "reason": "Expired"}, 410, 3.0))
    with pytest.raises(RefusedError) as caught:
        lines(made)
    refused = caught.value.answer
    assert (refused.status, refused.retry_after) == (410, 3.0)
    assert refused.json()["reason"] == "Expired"
    assert wire.closed == 1


def test_what_was_cut_before_it_began_is_cut_when_it_begins() -> None:
    cut, shut = Cut(), threading.Event()
    cut()
    assert cut.done
    cut.binds(shut.set)
    assert shut.is_set()
    cut.binds(None)
    cut()


class Server:
    """Answers one connection with given bytes, then holds it or closes it."""

    def __init__(self, *pieces: bytes, hold: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pieces = pieces
        self._hold = hold
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                for piece in self._pieces:
                    connection.sendall(piece)
                if self._hold:
                    self._ending.wait(20)

    def close(self) -> None:
        self._ending.set()
        self._listener.close()
        self._thread.join()


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def serve(*pieces: bytes, hold: bool = False) -> Server:
        made.append(Server(*pieces, hold=hold))
        return made[-1]

    yield serve
    for server in made:
        server.close()


def direct(server: Server, read: float = 10.0) -> Streams:
    access = Access(server.url, FixedCredentials(), context="test")
    return Streams(access, DirectStreamWire(access, Limits(read=read)))


@pytest.mark.parametrize(
    "answered",
    [
        (CHUNKED, b"4\r\na\nb\n\r\n", b"2\r\nc\n\r\n0\r\n\r\n"),
        (HEAD + b"\r\n", b"a\nb\n", b"c\n"),
        (HEAD + b"Content-Length: 6\r\n\r\na\nb\nc\n",),
    ],
)
def test_a_stream_is_read_however_it_is_sent(
    served: Callable[..., Server], answered: tuple[bytes, ...]
) -> None:
    assert list(lines(direct(served(*answered)))) == [b"a", b"b", b"c"]


def test_a_stream_that_breaks_off_says_so(served: Callable[..., Server]) -> None:
    begun = lines(direct(served(CHUNKED, b"2\r\na\n\r\n")))
    assert next(begun) == b"a"
    with pytest.raises(WireError):
        next(begun)


def test_no_answer_at_all(served: Callable[..., Server]) -> None:
    with pytest.raises(WireError, match="broke off the connection"):
        lines(direct(served()))


def test_silence_has_an_end(served: Callable[..., Server]) -> None:
    begun = lines(direct(served(CHUNKED, hold=True), read=0.05))
    with pytest.raises(WireError, match="sent nothing") as caught:
        next(begun)
    assert isinstance(caught.value.__cause__, TimeoutError)


@pytest.mark.parametrize("answered", [(CHUNKED,), ()])
def test_who_waits_is_woken_up_by_a_cut(
    served: Callable[..., Server], answered: tuple[bytes, ...]
) -> None:
    made, cut, ended = direct(served(*answered, hold=True)), Cut(), threading.Event()

    def wait() -> None:
        with contextlib.suppress(WireError):
            list(lines(made, cut))
        ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not ended.wait(0.1)
    cut()
    assert ended.wait(1)
    waiting.join()


def test_a_dead_server_is_found_out_by_tcp_or_by_silence() -> None:
    access = Access("https://api.example", FixedCredentials(), proxy="http://proxy:1")
    assert DirectStreamWire(access).dead_after == 25.0
    assert ProxiedStreamWire(access).dead_after == 90.0
    assert Streams(access).dead_after == 90.0
    assert streams()[0].dead_after == 25.0


def test_an_unreachable_server_is_named() -> None:
    error = streams()[0].unreachable(broken(http.client.RemoteDisconnected("")))
    assert str(error).startswith("the API server https://api.example broke off")
