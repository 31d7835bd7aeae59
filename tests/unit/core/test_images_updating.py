"""What Git is made to declare of images: bumped, pinned, or left with a reason."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.core.desired import SourceLocation
from reconciler.core.fixes import Wanted
from reconciler.core.images.facts import Answers, ImageFacts
from reconciler.core.images.naming import image_name, renamed
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.questions import asked_of_newer
from reconciler.core.images.running import Use, spec_path
from reconciler.core.images.summing import summed
from reconciler.core.images.updating import updates_of
from reconciler.core.images.versions import Step
from reconciler.core.path import format_path
from tests.unit.core.test_images_judging import (
    DOWN,
    REPOSITORY,
    A,
    B,
    answers,
    asked,
    container,
    entry,
    facts,
    use,
)

PINNED = f"{REPOSITORY}:1.2.0@{A}"
TAGS = ("1.2.0", "1.3.0")


def declared(image: str = f"{REPOSITORY}:1.2.0", *, runs: str = A) -> Use:
    made = use(container(runs, image=image) if runs else container(""), declared=image)
    return replace(made, source=SourceLocation("web.yaml", 3))


def updates(looked_at: Use, told: Answers, **policy: Any) -> Wanted:
    found = entry(looked_at, told, **policy)
    return updates_of(
        summed(
            target="shop", revision="1", checked_at="", entries=[found], unread=(), scans=(),
            notes=(),
        )
    )  # fmt: skip


def values(wanted: Wanted) -> list[tuple[str, str]]:
    return [(each.rule, each.value) for each in wanted.fixes]


def test_a_newer_tag_is_taken_before_a_digest() -> None:
    told = answers({"1.2.0": facts(), "1.3.0": facts(B)}, TAGS)
    assert values(updates(declared(), told, newer=Step.MINOR)) == [
        ("newer", f"{REPOSITORY}:1.3.0@{B}")
    ]
    plain = answers({"1.2.0": facts()}, TAGS)
    found = updates(declared(), plain, newer=Step.MINOR)
    assert values(found) == [("newer", f"{REPOSITORY}:1.3.0")]
    (fix,) = found.fixes
    assert format_path(fix.path) == "spec.template.spec.containers[name=app].image"
    assert (fix.before, fix.age, fix.reason) == (
        f"{REPOSITORY}:1.2.0", "5 days", "1.3.0 is newer (minor)",
    )  # fmt: skip


def test_tags_are_pinned() -> None:
    moved = updates(declared(), answers({"1.2.0": facts(B), A: facts(A)}))
    assert values(moved) == [("moved", f"{REPOSITORY}:1.2.0@{B}")]
    mutable = updates(declared(), answers({"1.2.0": ImageFacts(A)}), digest=True)
    assert values(mutable) == [("mutable", PINNED)]
    assert mutable.fixes[0].age == ""
    assert updates(declared(PINNED), answers({A: facts()}), digest=True).fixes == ()


@pytest.mark.parametrize(
    ("looked_at", "told", "policy", "reason"),
    [
        (replace(declared(), source=None), answers({"1.2.0": facts(B)}), {}, "no such container"),
        (declared(), answers({"1.2.0": DOWN}), {"digest": True}, "the digest of its tag"),
        (declared(PINNED), answers({A: facts()}, TAGS), {"newer": Step.MINOR}, "that of 1.3.0"),
    ],
)
def test_what_can_not_be_declared_is_left(
    looked_at: Use, told: Answers, policy: dict[str, Any], reason: str
) -> None:
    found = updates(looked_at, told, **policy)
    assert found.fixes == ()
    assert reason in found.left[0].reason


def test_what_no_name_ends_is_counted() -> None:
    found = updates(declared(), answers({"1.2.0": facts()}), max_age=timedelta(days=1))
    assert (found.fixes, found.left, found.others) == ((), (), {"old": 1})


def test_a_newer_digest_is_asked_for_where_one_is_wanted() -> None:
    told = answers({}, TAGS)
    newer = [ImagePolicy(newer=Step.MINOR)]
    assert asked_of_newer([declared()], newer, told) == frozenset()
    assert asked_of_newer([declared(PINNED)], newer, told) == {asked("1.3.0")}
    wanting = [ImagePolicy(newer=Step.MINOR, digest=True)]
    assert asked_of_newer([declared()], wanting, told) == {asked("1.3.0")}
    assert asked_of_newer([declared()], wanting, answers({}, DOWN)) == frozenset()
    assert asked_of_newer([declared(PINNED)], [], told) == frozenset()


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("docker.io/library/nginx:1", "nginx:2", "docker.io/library/nginx:2"),
        ("r.example:5000/a@" + A, "r.example:5000/a:1@" + B, f"r.example:5000/a:1@{B}"),
        ("nginx", f"nginx@{A}", f"nginx@{A}"),
        ("nginx:1", "nginx", "nginx"),
    ],
)
def test_a_name_stays_as_long_as_it_is_written(text: str, name: str, wanted: str) -> None:
    parsed = image_name(name)
    assert parsed is not None
    assert renamed(text, parsed) == wanted


def test_each_kind_has_its_pods_specification() -> None:
    places = [".".join(map(str, spec_path(kind))) for kind in ("Pod", "CronJob", "Rollout")]
    assert places == ["spec", "spec.jobTemplate.spec.template.spec", "spec.template.spec"]
