"""Traces of cycles, taken by a collector of the tests' own that reads OTLP as the real ones do."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reconciler.core.errors import ConfigError, SourceError
from reconciler.settings import TraceSettings
from reconciler.tracing import traces_of
from tests.unit.test_controller import edited
from tests.unit.test_keeper import Kept, kept


class Collector:
    """Takes traces over HTTP.

    Attributes:
        spans: What was taken: name, attributes, parent's id and own id.
        tokens: The Authorization header of each request.
    """

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.tokens: list[str | None] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.tokens.append(self.headers.get("Authorization"))
                collector.take(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str) -> list[dict[str, Any]]:
        """Gives the attributes of all spans of a name."""
        return [
            {each.key: _value(each.value) for each in span.attributes}
            for span in self.spans
            if span.name == name
        ]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def traced(made: Kept, collector: Collector, stack: ExitStack, headers: str = "") -> None:
    traces = traces_of(TraceSettings(collector.url, headers), stack)
    assert traces is not None
    keeper = made.keeper
    target = keeper.target
    object.__setattr__(target, "source", traces.source(target.source))
    object.__setattr__(target, "live", traces.live(target.live))
    object.__setattr__(target, "comparer", traces.comparer(target.comparer))
    keeper.cluster = traces.cluster(keeper.cluster)
    keeper.span = traces.cycle
    keeper.observers = [*keeper.observers, traces]


def test_a_cycle_is_one_trace_with_what_it_waited_for(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("Authorization: Bearer t0ken\n\n")
    made = kept()
    edited(made.world, colour="s3cret-colour")
    with ExitStack() as stack:
        traced(made, collector, stack, str(tmp_path / "headers"))
        made.keeper.cycle()
    (cycle,) = collector.named("cycle")
    assert made.heard.cycles[0].before is not None
    assert cycle == {
        "plumbline.target": "shop",
        "plumbline.result": "done",
        "plumbline.revision": made.heard.cycles[0].before.revision,
        "plumbline.drifted": 1,
        "plumbline.drifts": [drift.id for drift in made.heard.cycles[0].before.drifts],
    }
    # Looked at, written, looked at once more.
    names = [span.name for span in collector.spans]
    assert [names.count(name) for name in ("fetch", "read", "compare", "replace")] == [2, 2, 2, 1]
    (write,) = collector.named("replace")
    assert write["plumbline.name"] == "web"
    assert len({span.trace_id for span in collector.spans}) == 1
    root = next(span for span in collector.spans if span.name == "cycle")
    assert {s.parent_span_id for s in collector.spans if s is not root} == {root.span_id}
    assert collector.tokens[0] == "Bearer t0ken"
    assert "s3cret" not in str(collector.spans)


def test_a_failed_cycle_says_so_and_quotes_nothing(collector: Collector) -> None:
    made = kept()
    made.world.repository.error = SourceError("no such repository: s3cret-name")
    with ExitStack() as stack:
        traced(made, collector, stack)
        made.keeper.cycle()
    root = next(span for span in collector.spans if span.name == "cycle")
    assert root.status.code == 2
    assert "s3cret" not in str(collector.spans)


def test_what_is_not_configured_traces_nothing() -> None:
    with ExitStack() as stack:
        assert traces_of(TraceSettings(), stack) is None


@pytest.mark.parametrize(
    ("endpoint", "headers", "message"),
    [
        ("collector:4318", "", "traces.endpoint is no web address"),
        ("http://collector", "there-is-none", "can't be read"),
        ("http://collector", "bad", "header 1 of .* has no colon"),
    ],
)
def test_what_cannot_be_used_is_said(
    endpoint: str, headers: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "bad").write_text("no colon here\n")
    file = str(tmp_path / headers) if headers else ""
    with ExitStack() as stack, pytest.raises(ConfigError, match=message):
        traces_of(TraceSettings(endpoint, file), stack)


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "reconciler.adapters.telemetry.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with ExitStack() as stack, pytest.raises(ConfigError, match="isn't installed") as caught:
        traces_of(TraceSettings("http://collector"), stack)
    assert "plumbline[otel]" in str(caught.value)
