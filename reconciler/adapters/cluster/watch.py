"""One kind kept as the server shows it: a LIST, then a watch, for as long as it is wanted.

Rules as in client-go's reflector (tools/cache/reflector.go): resume at the last resourceVersion
seen, LIST anew when that is gone (410), never give up. Unlike there, what can't be kept true is
told of: who reads it learns that it couldn't be read, rather than what was true once.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass

from reconciler.adapters.cluster.addresses import collection_path
from reconciler.adapters.cluster.cut import Cut
from reconciler.adapters.cluster.kept_objects import KeptObjects, Scope, Seen
from reconciler.adapters.cluster.listing import Lister, RefusedError, why_unread
from reconciler.adapters.cluster.standing import Standing
from reconciler.adapters.cluster.streams import Streams
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.watch_events import is_later, read_event
from reconciler.adapters.cluster.wire import Answer, WireError
from reconciler.core.errors import ClusterError, PlumblineError
from reconciler.core.resource import JsonObject, ResourceKey

#: How long the server keeps a watch open, which is its own choice, too (apiserver,
#: --min-request-timeout). Drawn by lot, so that not all of them begin anew at once.
_WATCH_SECONDS = (1800, 3600)
#: So many objects are read one by one rather than by a LIST.
_FEW = 20
#: The server may ask to wait for so many seconds at most.
_LONGEST_WAIT = 30.0
_FORBIDDEN = 403
_FINAL = frozenset({_FORBIDDEN, 404, 405})
_EXPIRED = 410
_TOO_MANY = 429
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Means:
    """What all watches of a cluster share.

    Attributes:
        lister: Makes LISTs.
        streams: Begins watches.
        slots: Bounds how many LISTs are under way at once.
        timing: The clock, and chance; its sleep is not used.
    """

    lister: Lister
    streams: Streams
    slots: threading.Semaphore
    timing: Timing


class Watch:
    """Keeps the objects of one scope; its thread is whoever calls `run`.

    Attributes:
        scope: Of what.
        requests: How many watches were begun.
    """

    def __init__(
        self,
        scope: Scope,
        means: Means,
        moved: Callable[[], None],
        spaces: frozenset[str] = frozenset(),
    ) -> None:
        """Asks nothing yet.

        Args:
            scope: Of what.
            means: How.
            moved: Called after anything moved, from the thread that found it.
            spaces: Of a scope of all namespaces, those whose objects are kept; empty for all.
        """
        self.scope = scope
        self.requests = 0
        self._means = means
        self._moved = moved
        self._kept = KeptObjects(scope.versions_only, spaces)
        self._lock = threading.Lock()
        # One LIST at a time, so that none replaces a later one.
        self._listing = threading.Lock()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._answered = threading.Event()
        self._cut = Cut()
        self._must_list = True
        self._standing = Standing(
            means.timing, means.streams.dead_after, heard=means.timing.monotonic()
        )

    @property
    def is_forbidden(self) -> bool:
        """Whether the server's last word was that we may not."""
        return self._standing.final == _FORBIDDEN

    @property
    def faults(self) -> int:
        """How often something went wrong."""
        return self._standing.faults

    @property
    def age(self) -> float:
        """How old what is kept may be, in seconds."""
        return self._standing.age

    def await_answer(self, timeout: float) -> bool:
        """Waits until there is something to say, be it why there is nothing."""
        return self._answered.wait(timeout)

    def seen(self) -> Seen:
        """Gives what is live, or says why that can't be told."""
        with self._lock:
            standing = self._standing
            unread = standing.why_unread
            if unread:
                return Seen({}, unread, None if standing.final else standing.error)
            return Seen(dict(self._kept.objects))

    def widen(self, spaces: frozenset[str]) -> None:
        """Keeps the objects of more namespaces; empty for all."""
        with self._lock:
            if self._kept.covers(spaces):
                return
            self._kept.spaces = self._kept.spaces | spaces if spaces else spaces
            self._must_list = True
            self._answered.clear()
            self._cut()
        self._wake.set()

    def refresh(self, keys: Collection[ResourceKey] = ()) -> None:
        """Reads objects at once, for who has just written: a few of them alone, or everything.

        Raises:
            ClusterError: It can't be read.
        """
        with self._listing:
            verb = "get"
            try:
                if 0 < len(keys) <= _FEW:
                    self._put({key: self._means.lister.one(self.scope.kind, key) for key in keys})
                    return
                verb = "list"
                objects, version = self._listed()
            except RefusedError as refused:
                raise ClusterError(self._why(refused.answer, verb)) from refused
            with self._lock:
                is_new = is_later(version, self._kept.version)
                moved = is_new and self._kept.replace(objects, version)
        if moved:
            self._moved()

    def _put(self, found: Mapping[ResourceKey, JsonObject | None]) -> None:
        with self._lock:
            moved = [self._kept.put(key, body) for key, body in found.items()]
        if any(moved):
            self._moved()

    def run(self) -> None:
        """Keeps on until `stop`."""
        while not self._stopping.is_set():
            self._wake.clear()
            delay = self.once()
            if not self._stopping.is_set():
                self._wake.wait(delay)

    def stop(self) -> None:
        """Lets `run` return soon; from any thread."""
        self._stopping.set()
        with self._lock:
            self._cut()
        self._wake.set()
        self._answered.set()

    def once(self) -> float:
        """Makes one LIST, if one is needed, and one watch, to its end.

        Returns:
            After how many seconds it is to be called again.
        """
        began = self._means.timing.monotonic()
        try:
            verb = "list"
            if self._must_list:
                self._relist()
            verb = "watch"
            self._follow()
        except RefusedError as refused:
            return self._after_refusal(refused.answer, verb)
        except WireError as error:
            if self._cut.done:
                return 0.0
            # Not even a bookmark: nothing says that the server will have more to say the next time.
            self._must_list |= isinstance(error.__cause__, TimeoutError)
            return self._after_failure(self._means.streams.unreachable(error))
        except PlumblineError as error:
            return self._after_failure(error)
        except Exception as error:
            # Whatever it was: a watch that ended for good would tell nothing for ever.
            self._must_list = True
            what = f"the watch of {self.scope.kind.plural} failed by {type(error).__name__}"
            return self._after_failure(ClusterError(what, fix="report this as a bug"))
        return self._standing.after(self._means.timing.monotonic() - began)

    def _relist(self) -> None:
        with self._lock:
            self._must_list = False
        with self._listing:
            try:
                objects, version = self._listed()
            except BaseException:
                self._must_list = True
                raise
            with self._lock:
                moved = self._kept.replace(objects, version)
                self._standing.is_listed = True
                self._standing.hears()
        if moved:
            self._moved()

    def _listed(self) -> tuple[dict[ResourceKey, JsonObject], str]:
        scope = self.scope
        with self._means.slots:
            items, version = self._means.lister.snapshot(
                scope.kind, scope.namespace, scope.accept("List"), self._kept.share
            )
            return self._kept.wanted(items), version

    def _follow(self) -> None:
        with self._lock:
            if self._stopping.is_set() or self._must_list:
                return
            cut = self._cut = Cut()
            version = self._kept.version
        low, high = _WATCH_SECONDS
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(low + int((high - low) * self._means.timing.jitter())),
        }
        self.requests += 1
        path = collection_path(self.scope.kind, self.scope.namespace)
        try:
            with closing(self._means.streams.lines(path, query, self.scope.accept(), cut)) as lines:
                with self._lock:
                    self._standing.opens()
                    moved = self._standing.is_retold()
                self._says(moved=moved)
                for line in lines:
                    self._take(line)
        finally:
            with self._lock:
                self._standing.closes()

    def _take(self, line: bytes) -> None:
        event = read_event(line, self.scope.kind)
        with self._lock:
            self._standing.hears()
            moved = self._kept.apply(event)
        if moved:
            self._moved()

    def _after_refusal(self, answer: Answer, verb: str) -> float:
        # What the server won't take as it is, it won't take the next time either.
        self._must_list |= answer.status < _SERVER_FAULT and answer.status != _TOO_MANY
        if answer.status == _EXPIRED and verb == "watch":
            return self._standing.delay()
        final = answer.status if answer.status in _FINAL else 0
        delay = self._after_failure(ClusterError(self._why(answer, verb)), final)
        return max(delay, min(answer.retry_after, _LONGEST_WAIT))

    def _after_failure(self, error: PlumblineError, final: int = 0) -> float:
        with self._lock:
            self._standing.fails(error, final)
            moved = self._standing.is_retold()
            delay = self._standing.delay()
        self._says(moved=moved)
        return delay

    def _says(self, *, moved: bool) -> None:
        if not self._must_list or self._standing.error is not None:
            self._answered.set()
        if moved:
            self._moved()

    def _why(self, answer: Answer, verb: str) -> str:
        return why_unread(self.scope.kind, self.scope.namespace, answer, verb)
