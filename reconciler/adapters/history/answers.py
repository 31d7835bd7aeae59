"""Keeps the server's answers in one file a target and cluster. Losing it costs only requests."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from reconciler.adapters.files import read_json, write_private
from reconciler.core.path import Item
from reconciler.core.path import Path as FieldPath
from reconciler.core.resource import ResourceKey
from reconciler.ports import AnswerStore, KeptAnswer

#: Moves when an entry's meaning does: a file of another format is as good as none.
_FORMAT = 3


class AnswerFile:
    """See `ports.AnswerStore`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: What was written last: of thousands of answers few are others the next time.
        self._written: dict[ResourceKey, tuple[KeptAnswer, bytes]] = {}

    def load(self) -> Mapping[ResourceKey, KeptAnswer]:
        """Gives what was kept; empty where nothing was, or where it can't be read."""
        content = read_json(self._path)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            return {}
        try:
            return {ResourceKey(*entry[0]): _answer(entry) for entry in content["answers"]}
        except (KeyError, TypeError, ValueError, IndexError):
            return {}

    def save(self, answers: Mapping[ResourceKey, KeptAnswer]) -> None:
        """Keeps these answers, in place of all earlier ones."""
        written = {key: self._entry(key, answer) for key, answer in answers.items()}
        entries = [orjson.Fragment(entry) for _, entry in written.values()]
        with suppress(OSError):
            write_private(self._path, orjson.dumps({"format": _FORMAT, "answers": entries}))
        self._written = written

    def _entry(self, key: ResourceKey, answer: KeptAnswer) -> tuple[KeptAnswer, bytes]:
        known = self._written.get(key)
        if known is not None and known[0] is answer:
            return known
        return answer, orjson.dumps(_entry(key, answer))


class HeldAnswers:
    """Answers held in memory before a store: who looks again and again reads it once."""

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._held: Mapping[ResourceKey, KeptAnswer] | None = None

    def load(self) -> Mapping[ResourceKey, KeptAnswer]:
        """See `ports.AnswerStore`."""
        if self._held is None:
            self._held = self._store.load()
        return self._held

    def save(self, answers: Mapping[ResourceKey, KeptAnswer]) -> None:
        """See `ports.AnswerStore`."""
        self._held = answers
        self._store.save(answers)


class NoAnswers:
    """Keeps nothing: every run asks anew."""

    def load(self) -> Mapping[ResourceKey, KeptAnswer]:
        """Gives nothing."""
        return {}

    def save(self, answers: Mapping[ResourceKey, KeptAnswer]) -> None:
        """Does nothing."""


def _entry(key: ResourceKey, answer: KeptAnswer) -> list[Any]:
    # By far the most entries are of objects that local reasoning proved in sync: they stay short.
    entry: list[Any] = [
        (key.group, key.kind, key.namespace, key.name),
        answer.question,
        answer.in_sync_at,
        answer.hidden,
    ]
    if answer.digest or answer.content or answer.earlier or answer.earlier_body:
        entry += [answer.content, answer.earlier, answer.earlier_body]
    if answer.digest:
        carried = [[_step(step) for step in path] for path in answer.carried]
        entry += [answer.body, answer.digest, carried, answer.note, answer.immutable]
    return entry


def _answer(entry: list[Any]) -> KeptAnswer:
    _, question, in_sync_at, hidden, *more = entry
    if not more:
        return KeptAnswer(question, in_sync_at, hidden=hidden)
    content, earlier, earlier_body, *asked = more
    known = KeptAnswer(question, in_sync_at, hidden=hidden, content=content)
    known = replace(known, earlier=tuple(earlier), earlier_body=earlier_body)
    if not asked:
        return known
    body, digest, carried, note, immutable = asked
    paths = tuple(_path(steps) for steps in carried)
    return replace(known, body=body, digest=digest, carried=paths, note=note, immutable=immutable)


def _step(step: str | int | Item) -> Any:
    return [list(pair) for pair in step.keys] if isinstance(step, Item) else step


def _path(steps: list[Any]) -> FieldPath:
    return tuple(
        Item(tuple((key, value) for key, value in step)) if isinstance(step, list) else step
        for step in steps
    )
