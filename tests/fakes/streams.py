"""Streams that come from a script, and remember how they were asked for."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from reconciler.adapters.cluster.cut import Cut
from reconciler.adapters.cluster.wire import Answer
from tests.fakes.wire import Asked

#: An event, a raw piece, how it breaks off, or what happens meanwhile.
Part: TypeAlias = Mapping[str, Any] | bytes | Exception | Callable[[], object]
#: What comes of asking: parts of a watch, a refusal, or no answer at all.
Begin: TypeAlias = Sequence[Part] | Answer | Exception


@dataclass
class ScriptedStreamWire:
    """Begins streams; implements `StreamWire`.

    Attributes:
        script: What comes of asking, in turn; afterwards, streams in which nothing happens.
        asked: Every request, in order.
        closed: How many streams were closed.
        dead_after: As in `StreamWire`.
    """

    script: list[Begin] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    closed: int = 0
    dead_after: float = 25.0

    def open(self, target: str, headers: Mapping[str, str], cut: Cut) -> "_Scripted":
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(Asked("GET", parts.path, query, None, headers))
        begin = self.script.pop(0) if self.script else []
        if isinstance(begin, Exception):
            raise begin
        if isinstance(begin, Answer):
            return _Scripted(self, begin.status, [begin.data], begin.retry_after)
        return _Scripted(self, 200, begin)


@dataclass
class _Scripted:
    wire: ScriptedStreamWire
    status: int
    parts: Sequence[Part]
    retry_after: float = 0.0

    def pieces(self) -> Iterator[bytes]:
        for part in self.parts:
            match part:
                case bytes():
                    yield part
                case Exception():
                    raise part
                case Mapping():
                    yield json.dumps(part).encode() + b"\n"
                case _:
                    part()

    def close(self) -> None:
        self.wire.closed += 1
