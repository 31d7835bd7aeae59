"""An HTTP proxy of the tests' own, between a client and a server, that lets things go wrong.

It speaks plain HTTP on loopback to the client, and to the server as whom it is told to: the client
needs no credentials. Watches are handed on event by event.
"""

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.tools.faults.answering import (
    ANSWERED,
    Exchange,
    break_off,
    half_answer,
    refuse,
    whole_answer,
)
from tests.tools.faults.faults import (
    Asked,
    Delayed,
    Fault,
    Half,
    Lost,
    On,
    Refused,
    Reset,
    WatchFault,
    sort_of,
)
from tests.tools.faults.streaming import Stream

#: Seconds that the server behind may take for an ordinary answer.
_PATIENCE = 60.0
#: Below this a client says how far it is; nothing of it goes to the server.
SAYS = "/-/"


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind.

    Attributes:
        port: On loopback.
        context: Whom it is to trust us as; None for plain HTTP.
    """

    port: int
    context: ssl.SSLContext | None = None

    def connect(self, timeout: float | None) -> http.client.HTTPConnection:
        """Makes a connection; nothing is asked yet."""
        if self.context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=self.context
        )


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A request that the server got, and what it answered; `status` 0 where it is gone."""

    asked: Asked
    status: int


@dataclass(frozen=True, slots=True)
class Step:
    """A moment at which a client may be struck.

    Attributes:
        asked: The request.
        done: Whether the server has done it already.
    """

    asked: Asked
    done: bool

    def __str__(self) -> str:
        when = "after" if self.done else "before"
        return f"{when} {self.asked.on}: {self.asked.method} {self.asked.path}"


@dataclass(slots=True)
class _Rule:
    on: On
    fault: Fault
    resource: str
    left: int


@dataclass(eq=False)
class FaultProxy:
    """Stands before a server until the `with` block ends.

    Attributes:
        upstream: The server behind.
        gate: Called at each step, from the request's thread; True to break it off there.
        forwarded: What the server got, in the order of its answers; watches aside.
    """

    upstream: Upstream
    gate: Callable[[Step], bool] | None = None
    forwarded: list[Forwarded] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _streams: set[Stream] = field(default_factory=set)
    _is_out: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body in two pieces would wait for each other.
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (OSError, ValueError):  # whoever asked is gone, or was broken off
                    self.close_connection = True

            def answer(self) -> None:
                proxy._answer(Exchange(self))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        for run in (lambda: self._server.serve_forever(0.05), self._let_the_dead_go):
            threading.Thread(target=run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self.drop_watches()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def inject(self, on: On, fault: Fault, times: int = 1, resource: str = "") -> None:
        """Lets the next requests of a sort go wrong, or the next events of a watch.

        Args:
            on: Which sort.
            fault: What goes wrong.
            times: How often.
            resource: What their path must end with, such as `/configmaps`; empty for any.
        """
        with self._lock:
            self._rules.append(_Rule(on, fault, resource, times))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Lets nothing through meanwhile, and breaks off what is under way."""
        self.go_out()
        try:
            yield
        finally:
            self.come_back()

    def go_out(self) -> None:
        """Lets nothing through from now on, and breaks off what is under way."""
        self._is_out = True
        self.drop_watches()

    def come_back(self) -> None:
        """Lets everything through again."""
        self._is_out = False

    def heal(self) -> None:
        """Lets nothing go wrong any more."""
        with self._lock:
            self._rules.clear()
        self.come_back()

    def drop_watches(self, resource: str = "") -> None:
        """Breaks off watches, between two events."""
        with self._lock:
            streams = [each for each in self._streams if each.asked.path.endswith(resource)]
        for stream in streams:
            stream.drop()

    def writes(self) -> list[Forwarded]:
        """Gives the writes that the server got, dry runs aside."""
        return [each for each in self.forwarded if each.asked.on is On.WRITE]

    def take(self, asked: Asked, *, streams: bool) -> Fault | None:
        """Takes the next fault that is meant for a request, or for a watch under way."""
        with self._lock:
            for rule in self._rules:
                meant = rule.on is asked.on and asked.path.endswith(rule.resource)
                if meant and isinstance(rule.fault, WatchFault) == streams:
                    rule.left -= 1
                    if not rule.left:
                        self._rules.remove(rule)
                    return rule.fault
        return None

    def _answer(self, exchange: Exchange) -> None:
        method, target, body = exchange.method, exchange.target, exchange.body()
        if target.startswith(SAYS):
            self._hear(exchange, target)
            return
        asked = Asked(sort_of(method, target, body), method, target, body)
        if self._is_out or self._strikes(asked, done=False):
            break_off(exchange)
            return
        fault = self.take(asked, streams=False)
        match fault:
            case Refused():
                refuse(exchange, fault)
            case Reset():
                break_off(exchange)
            case _:
                if isinstance(fault, Delayed):
                    self._ended.wait(fault.seconds)
                self._forward(exchange, asked, fault)

    def _let_the_dead_go(self) -> None:
        """Ends watches whose client is gone: nobody else would notice before the next event."""
        while not self._ended.wait(0.5):
            with self._lock:
                streams = list(self._streams)
            for stream in streams:
                if stream.is_deserted():
                    stream.drop()

    def _hear(self, exchange: Exchange, target: str) -> None:
        what, when = target.removeprefix(SAYS).split("/")
        asked = Asked(On(what), "SAYS", f"/{what}")
        if self._strikes(asked, done=when == "after"):
            break_off(exchange)
        else:
            whole_answer(exchange, ANSWERED)

    def _strikes(self, asked: Asked, *, done: bool) -> bool:
        return self.gate is not None and self.gate(Step(asked, done))

    def _forward(self, exchange: Exchange, asked: Asked, fault: Fault | None) -> None:
        streams = asked.on is On.WATCH
        connection = self.upstream.connect(None if streams else _PATIENCE)
        try:
            try:
                connection.request(
                    asked.method, asked.target, asked.body or None, exchange.headers()
                )
                response = connection.getresponse()
            except (OSError, http.client.HTTPException):
                break_off(exchange)
                return
            if streams and response.status == http.client.OK:
                if isinstance(fault, Lost):  # there is no end of its answer to wait for
                    break_off(exchange)
                else:
                    self._stream(Stream(exchange, asked, connection, response))
                return
            self._hand_on(exchange, asked, fault, response)
        finally:
            connection.close()

    def _hand_on(
        self,
        exchange: Exchange,
        asked: Asked,
        fault: Fault | None,
        response: http.client.HTTPResponse,
    ) -> None:
        data = response.read()
        self.forwarded.append(Forwarded(asked, response.status))
        # Whoever went out meanwhile says nothing either.
        if self._strikes(asked, done=True) or isinstance(fault, Lost) or self._is_out:
            break_off(exchange)
        elif isinstance(fault, Half):
            half_answer(exchange, response, data)
        else:
            whole_answer(exchange, response, data)

    def _stream(self, stream: Stream) -> None:
        with self._lock:
            self._streams.add(stream)
        try:
            if not self._is_out:
                stream.run(lambda: self.take(stream.asked, streams=True))
        finally:
            with self._lock:
                self._streams.discard(stream)
            break_off(stream.exchange)
