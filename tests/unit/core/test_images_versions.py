"""Tags as versions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.images.versions import (
    Newer,
    Step,
    TagFilter,
    newer_tags,
    step_between,
    version_of,
    within,
)

ANY = TagFilter()


def newer(tag: str, *tags: str, chosen: TagFilter = ANY) -> dict[str, str]:
    return {each.step.value: each.tag for each in newer_tags(tag, tags, chosen)}


@pytest.mark.parametrize(
    "tag", ["latest", "", "stable", "a1b2c3d4", "main-4f0c", "v", "1.2.3.4.", "sha256-00.sig"]
)
def test_what_is_no_version(tag: str) -> None:
    assert version_of(tag) is None
    assert newer(tag, "1.0.0", "2.0.0") == {}


def test_the_newest_of_each_step() -> None:
    tags = ("1.2.3", "1.2.4", "1.2.10", "1.3.0", "1.10.0", "2.0.0", "10.0.0", "1.2.2", "0.9.0")
    assert newer("1.2.3", *tags) == {"patch": "1.2.10", "minor": "1.10.0", "major": "10.0.0"}
    assert newer("10.0.0", *tags) == {}


@pytest.mark.parametrize(
    ("tag", "others"),
    [
        ("1.2.3", ("1.3", "2", "1.2.4-alpine", "1.2.4.1")),
        ("1.2", ("1.2.9", "2")),
        ("1.27.3-alpine", ("1.27.4", "1.27.4-slim", "1.27.4-alpine3.20")),
        ("1", ("20261101", "1.5")),
        ("20260101", ("7", "2026.1.1")),
    ],
)
def test_tags_of_another_form_are_not_compared(tag: str, others: tuple[str, ...]) -> None:
    assert newer(tag, *others) == {}


@pytest.mark.parametrize(
    ("tag", "other", "step"),
    [
        ("1.27.3-alpine", "1.27.4-alpine", "patch"),
        ("1.27", "1.28", "minor"),
        ("1", "2", "major"),
        ("20260101", "20260102", "major"),
        ("v1.2.3", "1.2.4", "patch"),
        ("1.2.3.4", "1.2.3.5", "patch"),
        ("1.2.3-rc.1", "1.2.3-rc.2", "patch"),
        ("1.2.3-rc.2", "1.2.3-rc.10", "patch"),
        ("1.2.3-beta1", "1.2.3-rc1", "patch"),
        ("1.2.3-rc.1", "1.2.3", "patch"),
        ("1.2.3-rc.1-alpine", "1.2.3-alpine", "patch"),
    ],
)
def test_how_far_a_newer_tag_is(tag: str, other: str, step: str) -> None:
    assert newer(tag, other) == {step: other}
    assert newer(other, tag) == {}


def test_a_pre_release_is_newer_only_where_it_is_wanted() -> None:
    tags = ("1.3.0-rc.1", "1.2.4")
    assert newer("1.2.3", *tags) == {"patch": "1.2.4"}
    chosen = TagFilter(prereleases=True)
    assert newer("1.2.3", *tags, chosen=chosen) == {"patch": "1.2.4", "minor": "1.3.0-rc.1"}
    # To a pre-release, others are.
    assert newer("1.2.4-rc.1", *tags) == {"patch": "1.2.4", "minor": "1.3.0-rc.1"}


def test_of_two_writings_that_of_the_declared_tag() -> None:
    assert newer("v1.2.3", "1.3.0", "v1.3.0") == {"minor": "v1.3.0"}
    assert newer("1.2.3", "v1.3.0", "1.3.0") == {"minor": "1.3.0"}


def test_a_filter_says_which_tags_count_and_where_their_version_is() -> None:
    chosen = TagFilter(re.compile(r"release-(?P<version>\d+\.\d+\.\d+)-[0-9a-f]{4}"))
    tags = ("release-1.2.4-beef", "release-1.2.5", "1.9.9", "release-2.0.0-4f0c")
    found = newer("release-1.2.3-cafe", *tags, chosen=chosen)
    assert found == {"patch": "release-1.2.4-beef", "major": "release-2.0.0-4f0c"}


def test_a_filter_without_a_group_takes_the_whole_tag() -> None:
    chosen = TagFilter(re.compile(r"1\..*"))
    assert newer("1.2.3", "1.3.0", "2.0.0", chosen=chosen) == {"minor": "1.3.0"}
    # The declared tag needn't fit: what counts is what there is to go to.
    assert newer("0.9.0", "1.3.0", "2.0.0", chosen=chosen) == {"major": "1.3.0"}


def test_a_group_that_takes_part_in_nothing() -> None:
    chosen = TagFilter(re.compile(r"(?P<version>\d+\.\d+)?-?edge"))
    assert chosen.version("edge") is None
    assert newer("1.0-edge", "edge", "1.1-edge", chosen=chosen) == {"minor": "1.1-edge"}


def test_the_newest_within_a_step() -> None:
    found = (Newer("1.2.9", Step.PATCH), Newer("2.0.0", Step.MAJOR))
    assert within(found, None) is None
    assert within(found, Step.PATCH) == found[0]
    assert within(found, Step.MINOR) == found[0]
    assert within(found, Step.MAJOR) == found[1]
    assert within((), Step.MAJOR) is None


NUMBERS = st.tuples(*[st.integers(0, 40)] * 3)


@given(NUMBERS, st.lists(NUMBERS, max_size=8))
def test_nothing_older_is_ever_newer(
    numbers: tuple[int, ...], others: list[tuple[int, ...]]
) -> None:
    def tag(parts: tuple[int, ...]) -> str:
        return ".".join(map(str, parts))

    found = newer_tags(tag(numbers), map(tag, others), ANY)
    chosen = [tuple(map(int, each.tag.split("."))) for each in found]
    assert all(each > numbers for each in chosen)
    if any(other > numbers for other in others):
        assert max(others) in chosen
    old = version_of(tag(numbers))
    assert old is not None
    for each in found:
        new = version_of(each.tag)
        assert new is not None
        assert step_between(old, new) is each.step


@given(st.text(max_size=128), st.text(max_size=128))
def test_no_tag_is_any_trouble(tag: str, other: str) -> None:
    newer_tags(tag, (other,), ANY)
