"""What merging would do: base, head and live side by side."""

from dataclasses import replace

import pytest

from reconciler.core.expected import Expected, Untold
from reconciler.core.live import Unread, comparable
from reconciler.core.merge import Effect, Merge
from reconciler.core.merging import Revision, merge_of
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject
from tests.unit.core.build import (
    answers_of,
    desired_of,
    detected,
    key_of,
    live_of,
    lived,
    made,
    sides_of,
)

KEPT = made(name="kept")


def settings(**data: str) -> JsonObject:
    return made(name="settings", data=data)


def merge(
    base: list[JsonObject], head: list[JsonObject], live: list[JsonObject], *namespaces: str
) -> Merge:
    there = live_of(*(lived(body) for body in [*live, KEPT]))
    revisions = []
    for revision, bodies in (("base", base), ("head", head)):
        sides = sides_of(desired_of(*bodies, KEPT, revision=revision), there)
        revisions.append(Revision(sides, detected(sides, namespaces=namespaces)))
    return merge_of("shop", *revisions)


def told(found: Merge) -> dict[str, list[str]]:
    return {
        effect.value: [
            f"{each.drift.type}: {', '.join(format_path(c.path) for c in each.drift.changes)}"
            for each in found.of(effect)
        ]
        for effect in Effect
        if found.of(effect)
    }


B, HOT = settings(a="1", b="1"), settings(a="2", b="1")


@pytest.mark.parametrize(
    ("base", "head", "live", "effects"),
    [
        pytest.param([B], [B], [B], {}, id="nothing moved"),
        pytest.param(
            [B],
            [settings(a="1", b="2")],
            [B],
            {"change": ["Modified: data.b"]},
            id="only the pull request changes",
        ),
        pytest.param([B], [B], [HOT], {"keep": ["Modified: data.a"]}, id="it touches nothing"),
        pytest.param(
            [B],
            [settings(a="1", b="2")],
            [HOT],
            {"overwrite": ["Modified: data.a"], "change": ["Modified: data.b"]},
            id="a hot fix would be lost",
        ),
        pytest.param(
            [B],
            [settings(a="3", b="1")],
            [HOT],
            {"overwrite": ["Modified: data.a"]},
            id="both change the same field",
        ),
        pytest.param([B], [HOT], [HOT], {"adopt": ["Modified: data.a"]}, id="it declares the fix"),
        pytest.param(
            [B],
            [settings(a="2", b="2")],
            [HOT],
            {"change": ["Modified: data.b"], "adopt": ["Modified: data.a"]},
            id="it declares the fix, and more",
        ),
        pytest.param(
            [B],
            [settings(a="1", b="2")],
            [settings(a="1", b="1", hot="x")],
            {"change": ["Modified: data.b"], "keep": ["Modified: data.hot"]},
            id="an added field that neither commit mentions",
        ),
        pytest.param(
            [B],
            [settings(b="1")],
            [HOT],
            {"overwrite": ["Modified: data.a"]},
            id="it removes the field that was fixed",
        ),
        pytest.param(
            [B], [settings(a="1", b="1", c="1")], [settings(b="1")],
            {"overwrite": ["Modified: data.a"], "change": ["Modified: data.c"]},
            id="a field that was removed by hand",
        ),
        pytest.param([], [B], [], {"change": ["Missing: "]}, id="a new object"),
        pytest.param([], [B], [B], {"adopt": ["Unmanaged: "]}, id="made by hand, now declared"),
        pytest.param(
            [],
            [B],
            [settings(a="2", b="1", c="1")],
            {"overwrite": ["Modified: data.a"], "keep": ["Modified: data.c"]},
            id="made by hand, declared otherwise",
        ),
        pytest.param([B], [], [B], {"change": ["Unmanaged: "]}, id="no longer declared"),
        pytest.param(
            [B], [], [HOT], {"overwrite": ["Modified: data.a"]}, id="no longer declared, but fixed"
        ),
        pytest.param([B], [], [], {"adopt": ["Missing: "]}, id="deleted by hand, and dropped"),
        pytest.param([B], [B], [], {"keep": ["Missing: "]}, id="deleted by hand"),
        pytest.param(
            [B], [HOT], [], {"overwrite": ["Missing: "]}, id="deleted by hand, and made again"
        ),
    ],
)  # fmt: skip
def test_what_merging_does(
    base: list[JsonObject],
    head: list[JsonObject],
    live: list[JsonObject],
    effects: dict[str, list[str]],
) -> None:
    found = merge(base, head, live)
    assert (found.base, found.head) == ("base", "head")
    assert told(found) == effects


def test_an_unmanaged_object_keeps_its_maker() -> None:
    (effect,) = merge([], [B], [B], "shop").of(Effect.ADOPT)
    assert effect.drift.source is not None
    assert effect.drift.note.startswith("made in the cluster")
    assert effect.drift.uid


def test_what_cannot_be_read_is_unknown() -> None:
    unread = (Unread("", "ConfigMap", "shop", "forbidden"),)
    there = live_of(unread=unread)
    both = [sides_of(desired_of(each), there) for each in (B, HOT)]
    found = merge_of("shop", *(Revision(sides, detected(sides)) for sides in both))
    assert told(found) == {"unknown": ["Unreadable: "]}


def test_what_could_only_not_be_compared_with_the_head_is_unknown() -> None:
    there = live_of(lived(B))
    before = sides_of(desired_of(B), there)
    after = sides_of(desired_of(HOT), there, answers={key_of(B): Untold("the server refuses it")})
    found = merge_of("shop", *(Revision(each, detected(each)) for each in (before, after)))
    assert told(found) == {"unknown": ["Unreadable: "]}


@pytest.mark.parametrize(
    ("head", "effects"),
    [
        (B, {}),
        (settings(a="1", b="2"), {"change": ["Modified: data.a, data.b"]}),
        (HOT, {}),
    ],
)
def test_what_is_only_not_rolled_out_yet_was_not_edited(
    head: JsonObject, effects: dict[str, list[str]]
) -> None:
    there = live_of(lived(HOT))
    desired = desired_of(B)
    pending = replace(Expected(comparable(B)), pending=True)
    before = sides_of(desired, there, answers={key_of(B): pending})
    after = sides_of(desired_of(head), there, answers=answers_of(desired_of(head), there))
    found = merge_of("shop", *(Revision(each, detected(each)) for each in (before, after)))
    assert told(found) == effects


def test_what_is_dropped_before_it_was_rolled_out() -> None:
    there = live_of(lived(HOT))
    pending = {key_of(B): replace(Expected(comparable(B)), pending=True)}
    before = sides_of(desired_of(B, KEPT), there, answers=dict(pending))
    after = sides_of(desired_of(KEPT), there)
    found = merge_of("shop", *(Revision(each, detected(each)) for each in (before, after)))
    assert told(found)["change"][0] == "Unmanaged: "
