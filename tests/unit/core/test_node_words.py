"""What a node's agent says, read back and judged."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.containers import NodeReport
from reconciler.core.node_words import (
    ContainerWord,
    digest_of,
    look_of,
    look_text,
    report_of,
    whole,
    word_document,
    word_of,
)
from tests.unit.render.test_containers import DRIFTED, LOOK, UNKNOWN

OWN = tuple(replace(each, container=replace(each.container, node="vm")) for each in LOOK.looks[:2])
REPORT = NodeReport(replace(LOOK, looks=OWN), "2026-11-24T12:00:05Z")
WORD = whole(REPORT)


def test_a_word_comes_back_as_it_was() -> None:
    bare = replace(WORD, containers=(replace(WORD.containers[0], look=None), WORD.containers[1]))
    for word in (WORD, bare):
        assert word_of(json.loads(json.dumps(word_document(word)))) == word


def test_a_report_is_made_of_what_was_kept() -> None:
    looks = {each.container.container_id: each for each in reversed(OWN)}
    look = REPORT.look
    made = report_of(look.node, look.checked_at, REPORT.received_at, look.notes, looks)
    assert made == REPORT


def test_a_look_has_one_digest_while_nothing_in_it_moves() -> None:
    text = look_text(DRIFTED)
    assert text.isascii()
    assert look_of(text) == DRIFTED
    assert digest_of(text) == digest_of(look_text(look_of(text)))
    assert digest_of(text) != digest_of(look_text(replace(DRIFTED, unknown=())))


def _second(document: Any) -> None:
    document["containers"].append(document["containers"][0])


def _many(document: Any) -> None:
    first = document["containers"][0]
    document["containers"] = [{**first, "container_id": str(each)} for each in range(5001)]


def _set(place: int | None, field: str, value: object) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        (document if place is None else document["containers"][place])[field] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set(None, "schema", "plumbline.dev/node-word/v2"), "schema: plumbline.dev/node-word/v1"),
        (_set(None, "node", 7), "node: a text is wanted"),
        (_set(None, "checked_at", "yesterday"), "checked_at: a moment"),
        (_set(0, "container_id", ""), r"containers\[0\]\.container_id: a text of 1 to 256"),
        (_set(1, "container_id", "x" * 257), r"containers\[1\]\.container_id: a text of 1 to 256"),
        (_set(0, "digest", "ab"), r"containers\[0\]\.digest: 64 hex digits"),
        (_set(0, "digest", "x" * 64), r"containers\[0\]\.digest: 64 hex digits"),
        (_set(1, "container_id", "other"), r"containers\[1\]\.look: it is of another container"),
        (_set(None, "node", "other"), r"containers\[0\]\.look: it is of another node"),
        (_set(None, "containers", {}), "containers: a list is wanted"),
        (_second, "containers: one is named twice"),
        (_many, "containers: at most 5,000 are taken"),
    ],
)
def test_what_contradicts_itself_is_refused(change: Callable[[Any], None], why: str) -> None:
    document = json.loads(json.dumps(word_document(WORD)))
    change(document)
    with pytest.raises(ValueError, match=why):
        word_of(document)


def test_what_is_no_object_is_no_word() -> None:
    with pytest.raises(ValueError, match="schema: "):
        word_of([])


def test_a_container_may_be_known_by_its_digest_alone() -> None:
    assert ContainerWord("a", digest_of(look_text(UNKNOWN))).look is None
