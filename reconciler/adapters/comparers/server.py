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
from reconciler.core.redact import Redaction
from reconciler.core.report import Comparison
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.ports import AnswerStore, Cluster, KeptAnswer

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
            question = _question(key, manifest, body, catalog)
            known = kept.get(key)
            if known is not None and known.question != question:
                known = None
            if known is not None and known.in_sync_at and known.in_sync_at == _version(body):
                answers[key] = InSync(known.hidden)
                keep[key] = known
            else:
                moved.append(_Case(key, manifest, body, kind, question, known))
        if moved:
            self._settle(moved, answers, keep)
        if keep != kept:
            self._store.save(keep)
        return answers

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
                keep[case.key] = case.proven(local.hidden)
                continue
            answer = self._remembered(case)
            if answer is None:
                unsettled.append((case, local))
            else:
                answers[case.key] = answer
                known = case.known or KeptAnswer(case.question)
                keep[case.key] = case.proven(0) if isinstance(answer, InSync) else known
        for (case, _), (answer, kept) in zip(unsettled, self._ask(unsettled), strict=True):
            answers[case.key] = answer
            if kept is not None:
                keep[case.key] = kept

    def _remembered(self, case: "_Case") -> Answer | None:
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
    ) -> "list[tuple[Answer, KeptAnswer | None]]":
        if not cases:
            return []
        with ThreadPoolExecutor(min(_WORKERS, len(cases)), "dry-run") as pool:
            return list(pool.map(lambda pair: self._ask_one(*pair), cases))

    def _ask_one(self, case: "_Case", local: Expected) -> "tuple[Answer, KeptAnswer | None]":
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
            body=None if _is_secret(case.kind) else answer.body,
            digest=self._redaction.digest(answer.body),
            carried=answer.carried,
            note=answer.note,
            immutable=answer.immutable,
            hidden=answer.hidden,
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """One declared object that is live."""

    key: ResourceKey
    manifest: Manifest
    live: JsonObject
    kind: ResourceKind
    question: str
    known: KeptAnswer | None = None

    @property
    def version(self) -> str:
        return _version(self.live)

    def proven(self, hidden: int) -> KeptAnswer:
        """Gives what to keep of an object that was proven in sync."""
        known = self.known or KeptAnswer(self.question)
        return replace(known, in_sync_at=self.version, hidden=hidden)


def _version(body: JsonObject) -> str:
    return str(body["metadata"].get("resourceVersion") or "")


def _question(key: ResourceKey, manifest: Manifest, live: JsonObject, catalog: Catalog) -> str:
    declared = manifest.digest or _digest(orjson.dumps(manifest.body, option=orjson.OPT_SORT_KEYS))
    uid = live["metadata"].get("uid")
    return f"{declared} {key.namespace} {uid} {catalog.server_version}"


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _is_secret(kind: ResourceKind) -> bool:
    return (kind.group, kind.kind) == ("", "Secret")
