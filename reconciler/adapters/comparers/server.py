"""Comparison by asking the server: what it would make of a declaration is its own answer.

Local reasoning comes first, and proves most objects in sync without a request; what was once
found out is kept, so that an object which hasn't moved isn't even compared again.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import orjson

from reconciler.core.desired import DesiredState, Manifest
from reconciler.core.expected import Answer, Expected, InSync
from reconciler.core.live import LiveState, comparable
from reconciler.core.path import value_at
from reconciler.core.redact import Redaction
from reconciler.core.report import Comparison
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.ports import AnswerStore, Cluster, KeptAnswer

#: How many earlier declarations are remembered of an object that isn't in sync.
_EARLIER = 8
#: Dry runs under way at once. The API server's default priority level for one user's requests
#: serves more than that side by side (flowcontrol, "global-default": 20 seats).
_WORKERS = 8


class ServerComparer:
    """Asks the server by dry runs, at most once an object, and only where it must."""

    comparison = Comparison.SERVER

    def __init__(self, cluster: Cluster, store: AnswerStore, redaction: Redaction) -> None:
        self._cluster = cluster
        self._store = store
        self._redaction = redaction

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        """Gives an answer for every declared object that is live; see `ports.Comparer`."""
        kept = self._store.load()
        keep: dict[ResourceKey, KeptAnswer] = {}
        answers: dict[ResourceKey, Answer] = {}
        moved: list[_Case] = []
        for key, manifest in desired.resources.items():
            api_version = manifest.api_version
            body = live.find(api_version, key)
            kind = catalog.find(api_version, key.kind)
            if body is None or kind is None:
                continue
            question = self._question(key, manifest, body, catalog)
            known = kept.get(key)
            before = None
            if known is not None and known.question != question:
                known, before = None, known
            if known is not None and known.in_sync_at and known.in_sync_at == _version(body):
                answers[key] = InSync(known.hidden)
                keep[key] = known
            else:
                moved.append(_Case(key, manifest, body, kind, question, known, before))
        if moved:
            self._settle(moved, answers, keep)
        if keep != kept:
            self._store.save(keep)
        return answers

    def _question(
        self, key: ResourceKey, manifest: Manifest, live: JsonObject, catalog: Catalog
    ) -> str:
        if manifest.seals:
            # Keyed: this one is kept.
            declared = self._redaction.digest(manifest.body)
        else:
            declared = manifest.digest or _digest(manifest.body)
        uid = live["metadata"].get("uid")
        return f"{declared} {key.namespace} {uid} {catalog.server_version}"

    def _settle(
        self,
        moved: "list[_Case]",
        answers: dict[ResourceKey, Answer],
        keep: dict[ResourceKey, KeptAnswer],
    ) -> None:
        """Reasons about each object that moved, and asks about those that are still open."""
        # Late: where nothing moved, this is a tenth of what a run imports.
        from reconciler.core.diff import same
        from reconciler.core.normalize import expect

        schema = self._cluster.schema({case.kind for case in moved})
        unsettled: list[tuple[_Case, Expected]] = []
        for case in moved:
            node = schema.node(case.manifest.api_version, case.manifest.kind)
            local = expect(case.manifest.body, case.live, node)
            if same(local.body, comparable(case.live)) and not local.unproven:
                answers[case.key] = InSync(local.hidden)
                keep[case.key] = self._proven(case, case.known, local.hidden)
                continue
            answer = self._remembered(case)
            if answer is None:
                unsettled.append((case, local))
            else:
                known = case.known or KeptAnswer(case.question)
                answers[case.key] = self._kept(case, answer, known, keep)
        for (case, _), (given, found) in zip(unsettled, self._ask(unsettled), strict=True):
            answers[case.key] = self._kept(case, given, found, keep)

    def _kept(
        self,
        case: "_Case",
        answer: InSync | Expected,
        known: KeptAnswer | None,
        keep: dict[ResourceKey, KeptAnswer],
    ) -> Answer:
        """Keeps what is now known of an object, and gives the answer with all that is known."""
        if isinstance(answer, InSync):
            if known is not None:
                keep[case.key] = self._proven(case, known, answer.hidden)
            return answer
        earlier, body = self._earlier(case), _earlier_body(case, answer)
        if known is not None or earlier or body:
            known = known or KeptAnswer(case.question)
            keep[case.key] = replace(known, earlier=earlier, earlier_body=body)
        is_earlier = bool(earlier) and self._content(case.live) in earlier
        return replace(answer, pending=is_earlier, earlier=None if is_earlier else body)

    def _proven(self, case: "_Case", known: KeptAnswer | None, hidden: int) -> KeptAnswer:
        """Gives what to keep of an object that was proven in sync."""
        known = known or KeptAnswer(case.question)
        # Where a status moves the version too, the version alone wouldn't tell that from an edit.
        content = self._content(case.live) if "status" in case.live else known.content
        return replace(
            known,
            in_sync_at=case.version,
            hidden=hidden,
            content=content,
            earlier=(),
            earlier_body=None,
        )

    def _earlier(self, case: "_Case") -> tuple[str, ...]:
        """Gives what earlier declarations asked for, as `KeptAnswer.earlier`."""
        known, before = case.known, case.before
        if known is not None:
            return known.earlier
        if before is None or not case.is_of(before):
            return ()
        if case.is_declared_as(before):
            return before.earlier
        was_in_sync = before.in_sync_at == case.version != ""
        asked_for = self._content(case.live) if was_in_sync else before.content
        found = dict.fromkeys(each for each in (asked_for, *before.earlier) if each)
        return tuple(found)[:_EARLIER]

    def _content(self, live: JsonObject) -> str:
        # Keyed, as a Secret's is kept too.
        text = orjson.dumps(comparable(live), option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(text, key=self._redaction.key, digest_size=12).hexdigest()

    def _remembered(self, case: "_Case") -> InSync | Expected | None:
        """Answers from what the server once said, if it said anything that still holds."""
        known = case.known
        if known is None or not known.digest:
            return None
        if known.digest == self._redaction.digest(comparable(case.live)):
            return InSync()
        if known.body is None:
            return None
        return Expected(known.body, known.carried, (), known.note, known.immutable, known.hidden)

    def _ask(
        self, cases: "list[tuple[_Case, Expected]]"
    ) -> "list[tuple[InSync | Expected, KeptAnswer | None]]":
        if not cases:
            return []
        with ThreadPoolExecutor(min(_WORKERS, len(cases)), "dry-run") as pool:
            return list(pool.map(lambda pair: self._ask_one(*pair), cases))

    def _ask_one(
        self, case: "_Case", local: Expected
    ) -> "tuple[InSync | Expected, KeptAnswer | None]":
        from reconciler.adapters.comparers.question import Question, ask
        from reconciler.core.diff import same

        question = Question(case.kind, case.manifest, case.live, local)
        answer, is_servers = ask(self._cluster.dry_runs, question)
        in_sync = same(answer.body, comparable(case.live)) and not answer.unproven
        given = InSync(answer.hidden) if in_sync else answer
        if not is_servers:
            return given, None
        return given, KeptAnswer(
            question=case.question,
            in_sync_at=case.version if in_sync else "",
            body=None if _is_secret(case.kind) or case.manifest.seals else answer.body,
            digest=self._redaction.digest(answer.body),
            carried=answer.carried,
            note=answer.note,
            immutable=answer.immutable,
            hidden=answer.hidden,
            content=self._content(answer.body),
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """One declared object that is live.

    Attributes:
        known: What was kept of this very question.
        before: What was kept of an earlier one.
    """

    key: ResourceKey
    manifest: Manifest
    live: JsonObject
    kind: ResourceKind
    question: str
    known: KeptAnswer | None = None
    before: KeptAnswer | None = None

    @property
    def version(self) -> str:
        return _version(self.live)

    def is_of(self, before: KeptAnswer) -> bool:
        """Whether what was kept of an earlier question is of this very object."""
        return before.question.split(" ")[1:3] == self.question.split(" ")[1:3]

    def is_declared_as(self, before: KeptAnswer) -> bool:
        """Whether the earlier question was of the same declaration: only the server is another."""
        return before.question.split(" ")[0] == self.question.split(" ")[0]


def _earlier_body(case: _Case, answer: Expected) -> JsonObject | None:
    """Gives what the server made of the declaration that may be live still, if it was asked."""
    known, before = case.known, case.before
    if known is not None:
        body = known.earlier_body
    elif before is None or not case.is_of(before):
        body = None
    elif case.is_declared_as(before) or not _has_moved(before.earlier_body, before.body, case):
        body = before.earlier_body
    else:
        body = before.body
    return None if _has_moved(body, answer.body, case) else body


def _has_moved(old: JsonObject | None, new: JsonObject | None, case: _Case) -> bool:
    """Whether a live object has all that one answer of the server has otherwise than another."""
    if old is None or new is None:
        return new is not None
    from reconciler.core.diff import differences

    paths = [each.path for each in differences(old, new, None)]
    return all(value_at(case.live, path) == value_at(new, path) for path in paths)


def _version(body: JsonObject) -> str:
    return str(body["metadata"].get("resourceVersion") or "")


def _digest(body: JsonObject) -> str:
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _is_secret(kind: ResourceKind) -> bool:
    return (kind.group, kind.kind) == ("", "Secret")
