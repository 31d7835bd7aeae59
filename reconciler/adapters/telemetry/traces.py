"""OpenTelemetry traces of the controller: one a cycle, with what it waited for. Never a value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer

from reconciler import __version__
from reconciler.adapters.delegating import DelegatingCluster, DelegatingLive
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.desired import DesiredState, Rendered
from reconciler.core.expected import Answer
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Comparison
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.ports import Cluster, Comparer, Live, Source, Writer

#: Seconds that one delivery to the collector may take.
_PATIENCE: Final = 10
#: So many drifts are named in a trace.
_MOST_NAMED: Final = 50


class Traces:
    """See `ports.Observer`; gives each cycle its trace, and wraps what a cycle waits for."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        """Sends nothing yet.

        Args:
            endpoint: Where traces are taken by OTLP over HTTP, such as
                `http://collector:4318/v1/traces`.
            headers: What is sent along, such as a token.
        """
        resource = Resource.create({SERVICE_NAME: "plumbline", SERVICE_VERSION: __version__})
        exporter = OTLPSpanExporter(endpoint, headers=dict(headers), timeout=_PATIENCE)
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("plumbline")

    @contextmanager
    def cycle(self, target: str) -> Iterator[None]:
        """Begins the trace of a cycle, and ends it."""
        with _span(self._tracer, "cycle") as span:
            span.set_attribute("plumbline.target", target)
            yield

    def saw(self, cycle: Cycle) -> None:
        """Adds to the trace what a finished cycle found."""
        span = trace.get_current_span()
        span.set_attribute("plumbline.result", cycle.result.value)
        if cycle.result is CycleResult.FAILED:
            span.set_status(Status(StatusCode.ERROR))
        report = cycle.before or cycle.report
        if report is None:
            return
        span.set_attribute("plumbline.revision", report.revision)
        span.set_attribute("plumbline.drifted", report.summary.drifted)
        span.set_attribute("plumbline.drifts", [d.id for d in report.drifts[:_MOST_NAMED]])

    def source(self, source: Source) -> Source:
        """Gives a source whose fetches are seen."""
        return _TracedSource(source, self._tracer)

    def live(self, live: Live) -> Live:
        """Gives a live side whose readings are seen."""
        return _TracedLive(live, self._tracer)

    def comparer(self, comparer: Comparer) -> Comparer:
        """Gives a comparer whose comparisons are seen."""
        return _TracedComparer(comparer, self._tracer)

    def cluster(self, cluster: Cluster) -> Cluster:
        """Gives a cluster whose writes are seen."""
        return _TracedCluster(cluster, self._tracer)

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


@contextmanager
def _span(tracer: Tracer, name: str) -> Iterator[trace.Span]:
    # An exception's message is none of a trace's business: it may quote an address.
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException:
            span.set_status(Status(StatusCode.ERROR))
            raise


class _TracedSource:
    def __init__(self, source: Source, tracer: Tracer) -> None:
        self._source = source
        self._tracer = tracer

    def fetch(self) -> Rendered:
        with _span(self._tracer, "fetch") as span:
            rendered = self._source.fetch()
            span.set_attribute("plumbline.revision", rendered.revision)
            span.set_attribute("plumbline.manifests", len(rendered.manifests))
            return rendered


class _TracedLive(DelegatingLive):
    def __init__(self, live: Live, tracer: Tracer) -> None:
        super().__init__(live)
        self._tracer = tracer

    def read(self, listings: Sequence[Listing]) -> LiveState:
        with _span(self._tracer, "read") as span:
            span.set_attribute("plumbline.kinds", len(listings))
            return super().read(listings)


class _TracedComparer:
    def __init__(self, comparer: Comparer, tracer: Tracer) -> None:
        self._comparer = comparer
        self._tracer = tracer

    @property
    def comparison(self) -> Comparison:
        return self._comparer.comparison

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        with _span(self._tracer, "compare") as span:
            span.set_attribute("plumbline.resources", len(desired.resources))
            return self._comparer.compare(desired, live, catalog)


class _TracedCluster(DelegatingCluster):
    def __init__(self, cluster: Cluster, tracer: Tracer) -> None:
        super().__init__(cluster)
        self._tracer = tracer

    @property
    def writes(self) -> Writer:
        return _TracedWriter(self._cluster.writes, self._tracer)


class _TracedWriter:
    def __init__(self, writer: Writer, tracer: Tracer) -> None:
        self._writer = writer
        self._tracer = tracer

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        return self._seen("create", kind, *_place(body), lambda: self._writer.create(kind, body))

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        return self._seen("replace", kind, *_place(body), lambda: self._writer.replace(kind, body))

    def delete(self, kind: ResourceKind, key: ResourceKey, *, uid: str, version: str) -> None:
        def delete() -> JsonObject:
            self._writer.delete(kind, key, uid=uid, version=version)
            return {}

        self._seen("delete", kind, key.namespace, key.name, delete)

    def evict(self, kind: ResourceKind, key: ResourceKey, *, uid: str) -> None:
        def evict() -> JsonObject:
            self._writer.evict(kind, key, uid=uid)
            return {}

        self._seen("evict", kind, key.namespace, key.name, evict)

    def _seen(
        self,
        verb: str,
        kind: ResourceKind,
        namespace: str,
        name: str,
        write: Callable[[], JsonObject],
    ) -> JsonObject:
        with _span(self._tracer, verb) as span:
            span.set_attribute("k8s.namespace.name", namespace)
            span.set_attribute("plumbline.kind", kind.kind)
            span.set_attribute("plumbline.name", name)
            return write()


def _place(body: JsonObject) -> tuple[str, str]:
    """Gives an object's namespace and name."""
    metadata = metadata_of(body)
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
