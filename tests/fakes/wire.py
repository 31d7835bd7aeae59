"""A wire that answers from a script, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import Credentials, FixedCredentials
from reconciler.adapters.cluster.transport import Timing, Transport
from reconciler.adapters.cluster.wire import Answer

Reply: TypeAlias = Answer | Exception


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was made."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass
class ScriptedWire:
    """Answers requests; implements `Wire`.

    Attributes:
        script: Answers by path: in turn, the last one for good. Or a function of the request.
        asked: Every request, in order.
        slept: What was waited between them, in seconds; nobody really waited.
        closed: How often it was closed.
    """

    script: Mapping[str, Sequence[Reply]] | Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    closed: int = 0
    _at: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = Asked(method, parts.path, query, json.loads(body) if body else None, headers)
        with self._lock:
            self.asked.append(asked)
            if callable(self.script):
                reply = self.script(asked)
            else:
                replies = self.script[parts.path]
                at = self._at.get(parts.path, 0)
                self._at[parts.path] = at + 1
                reply = replies[min(at, len(replies) - 1)]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        self.closed += 1

    def transport(self, credentials: Credentials | None = None) -> Transport:
        """A transport over this wire, which doesn't really wait."""
        access = Access("https://api.example", credentials or FixedCredentials(), context="test")
        moments = iter(range(1_000_000))
        timing = Timing(self.slept.append, lambda: float(next(moments)), lambda: 1.0)
        return Transport(access, timing, self)


def answer(document: object, status: int = 200, retry_after: float = 0.0) -> Answer:
    """An answer that holds a document."""
    return Answer(status, json.dumps(document).encode(), retry_after)


def refusal(code: int, reason: str = "", message: str = "", **details: object) -> Answer:
    """An answer that holds a Status."""
    status = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return answer({**status, "details": details}, code)
