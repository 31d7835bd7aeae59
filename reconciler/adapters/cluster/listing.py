"""Reads whole kinds by LISTs: paged, side by side, decoded from the raw bodies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import orjson

from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.rejection import grant, why_refused
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import JSON, Transport
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState, Unread
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind

#: Objects a page; bigger pages cost fewer rounds, and memory on both sides.
PAGE = 2000
#: LISTs under way at once.
_WORKERS = 8
#: How often a LIST begins anew because its snapshot was compacted away under it.
_RESTARTS = 3
_FORBIDDEN = 403
_NOT_FOUND = 404
_EXPIRED = 410


#: Makes of an object, as soon as its page is there, what is given in its place.
_Form = Callable[[JsonObject], JsonObject]


def _as_it_is(item: JsonObject) -> JsonObject:
    return item


@dataclass(slots=True)
class _Part:
    """What came of one listing."""

    kind: ResourceKind
    objects: dict[ResourceKey, JsonObject] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    unreachable: ClusterError | None = None


class RefusedError(Exception):
    """The server didn't give a page, or a watch."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Lister:
    """Reads kinds of one cluster."""

    def __init__(self, transport: Transport, tally: Tally, page: int = PAGE) -> None:
        self._transport = transport
        self._tally = tally
        self._page = page

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Reads all objects of these kinds.

        Raises:
            ClusterError: Nothing at all could be reached.
        """
        if not listings:
            return LiveState({})
        with ThreadPoolExecutor(min(_WORKERS, len(listings)), "list") as pool:
            parts = list(pool.map(self._part, listings))
        failures = [part.unreachable for part in parts if part.unreachable is not None]
        if len(failures) == len(parts):
            raise failures[0]
        objects: dict[str, dict[ResourceKey, JsonObject]] = {}
        for part in parts:
            objects.setdefault(part.kind.api_version, {}).update(part.objects)
        return LiveState(objects, tuple(unread for part in parts for unread in part.unread))

    def _part(self, listing: Listing) -> _Part:
        part = _Part(listing.kind)
        kind = listing.kind
        spaces = sorted(listing.namespaces) if kind.namespaced else []
        if kind.verbs and "list" not in kind.verbs:
            self._fail(part, spaces, f"the server doesn't list objects of kind {kind.kind}")
        elif len(spaces) == 1:
            self._read_into(part, spaces[0])
        elif not spaces:
            self._read_into(part, "")
        else:
            self._read_several(part, frozenset(spaces))
        return part

    def _read_several(self, part: _Part, spaces: frozenset[str]) -> None:
        """Reads several namespaces by one LIST where that is allowed, else by one each."""
        try:
            for key, body in self.snapshot(part.kind, "")[0]:
                if key.namespace in spaces:
                    part.objects[key] = body
        except RefusedError as refused:
            if refused.answer.status == _FORBIDDEN:
                for space in sorted(spaces):
                    self._read_into(part, space)
            else:
                self._fail(part, sorted(spaces), why_unread(part.kind, "", refused.answer))
        except ClusterError as error:
            part.unreachable = error
            self._fail(part, sorted(spaces), error.message)

    def _read_into(self, part: _Part, namespace: str) -> None:
        try:
            part.objects.update(self.snapshot(part.kind, namespace)[0])
        except RefusedError as refused:
            self._fail(part, [namespace], why_unread(part.kind, namespace, refused.answer))
        except ClusterError as error:
            part.unreachable = error
            self._fail(part, [namespace], error.message)

    @staticmethod
    def _fail(part: _Part, spaces: Sequence[str], reason: str) -> None:
        kind = part.kind
        part.unread += [Unread(kind.group, kind.kind, space, reason) for space in spaces or [""]]

    def snapshot(
        self, kind: ResourceKind, namespace: str, accept: str = JSON, form: _Form = _as_it_is
    ) -> tuple[Iterator[tuple[ResourceKey, JsonObject]], str]:
        """Reads all objects, or raises: half a LIST would make the rest look absent.

        Args:
            kind: Of which kind.
            namespace: In which namespace; empty for all.
            accept: In which form they are wanted.
            form: Makes of each object, as soon as its page is there, what is given in its place.

        Returns:
            The objects, and the resourceVersion that all of them are as of.

        Raises:
            RefusedError: The server doesn't give them.
            ClusterError: It couldn't be reached.
        """
        self._tally.listed()
        path = collection_path(kind, namespace)
        for attempt in range(_RESTARTS):
            try:
                items, version = self._pages(path, accept, form)
            except RefusedError as refused:
                if refused.answer.status != _EXPIRED or attempt == _RESTARTS - 1:
                    raise
            else:
                break
        return _whole(kind, items), version

    def one(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; None where there is none.

        Raises:
            RefusedError: The server doesn't give it.
            ClusterError: It couldn't be reached.
        """
        self._tally.got()
        answer = self._transport.get(object_path(kind, key.namespace, key.name))
        if answer.status == _NOT_FOUND:
            return None
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise RefusedError(answer)
        return body

    def _pages(self, path: str, accept: str, form: _Form) -> tuple[list[JsonObject], str]:
        query = {"limit": str(self._page)}
        items: list[JsonObject] = []
        version = ""
        while True:
            answer = self._transport.get(path, query, accept)
            if not answer.ok:
                raise RefusedError(answer)
            try:
                page = orjson.loads(answer.data)
                # A page at a time: all objects as they come may be many times what is kept of them.
                items += [form(item) for item in page["items"] or ()]
                about = page["metadata"]
                following = about.get("continue")
                # Every page's is the first one's; a server of somebody else's may see it otherwise.
                version = version or str(about.get("resourceVersion") or "")
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
                raise ClusterError(
                    f"the answer to GET {path} isn't a list of objects",
                    fix="look for a proxy between here and the API server",
                ) from error
            if not following:
                return items, version
            query["continue"] = following


def _whole(
    kind: ResourceKind, items: Iterable[JsonObject]
) -> Iterator[tuple[ResourceKey, JsonObject]]:
    api_version, group, name = kind.api_version, kind.group, kind.kind
    for item in items:
        metadata = item["metadata"]
        key = ResourceKey(group, name, metadata.get("namespace", ""), metadata["name"])
        # A LIST's items lack what would be the same in all of them.
        yield key, {"apiVersion": api_version, "kind": name, **item}


def why_unread(kind: ResourceKind, namespace: str, answer: Answer, verb: str = "list") -> str:
    """Says why a kind couldn't be read (by `list` or `watch`), and what to do."""
    match answer.status:
        case 403:
            return f"{why_refused(answer)}: {grant(verb, kind, namespace)}"
        case 404:
            return f"the server no longer serves {kind.api_version} {kind.kind}"
        case 405:
            return f"the server doesn't {verb} objects of kind {kind.kind}"
        case _:
            return f"{kind.api_version} {kind.kind} can't be read by {verb}: {why_refused(answer)}"
