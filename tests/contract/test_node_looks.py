"""What every `ports.NodeStore` does: the fake, and ours in both kinds of databases."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook, NodeReport
from reconciler.core.node_words import ContainerWord, digest_of, look_text, whole
from reconciler.core.ranking import worst_looks_first
from reconciler.ports import NodeStore
from tests.contract.conftest import opened_history
from tests.fakes.nodes import FakeNodeLooks
from tests.unit.render.test_containers import DRIFTED, UNKNOWN

AT, LATER = "2026-11-24T12:00:05Z", "2026-11-24T12:01:05Z"
#: Names that no column of text holds as they are.
ODD = ContainerLook(ContainerRef("", "p\udcff", "", "", "id\0\udcff"), unknown=("a\0\ud800",))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeStore]:
    if request.param == "fake":
        yield FakeNodeLooks()
        return
    with opened_history(request, tmp_path) as history:
        yield history.nodes()


def report(node: str, *looks: ContainerLook, at: str = AT) -> NodeReport:
    own = (replace(each, container=replace(each.container, node=node)) for each in looks)
    ordered = worst_looks_first(tuple(own))
    return NodeReport(NodeLook(node, "2026-11-24T12:00:00Z", ordered, ("a note",)), at)


def test_a_report_takes_the_place_of_the_one_before(store: NodeStore) -> None:
    assert list(store.latest()) == []
    first, other = report("vm-2", DRIFTED, UNKNOWN), report("vm-1")
    store.save(first)
    store.save(other)
    assert list(store.latest()) == [other, first]
    second = report("vm-2", replace(DRIFTED, drifts=DRIFTED.drifts[:1]), ODD, at=LATER)
    store.save(second)
    assert list(store.latest()) == [other, second]
    assert store.heard() == {"vm-1": AT, "vm-2": LATER}
    store.forget(["vm-1", "there is none"])
    assert list(store.latest()) == [second]
    store.save(replace(second, received_at=AT))
    assert list(store.latest()) == [replace(second, received_at=AT)]


def test_what_was_said_before_need_not_be_said_again(store: NodeStore) -> None:
    first = report("vm", DRIFTED, UNKNOWN, ODD)
    store.save(first)
    store.save(report("other", DRIFTED))
    word = whole(first)
    bare = replace(word, containers=tuple(replace(one, look=None) for one in word.containers))
    assert list(store.take(replace(bare, checked_at=LATER), LATER)) == []
    expected = replace(first, look=replace(first.look, checked_at=LATER), received_at=LATER)
    assert store.latest()[1] == expected
    fewer = replace(bare, containers=bare.containers[:1], checked_at=LATER)
    assert list(store.take(fewer, LATER)) == []
    assert [each.looks for each in (store.latest()[1].look,)] == [first.look.looks[:1]]


def test_what_is_lacking_is_asked_for_and_all_stays_as_it_was(store: NodeStore) -> None:
    first = report("vm", DRIFTED)
    store.save(first)
    held = whole(first).containers[0]
    moved = replace(held, digest="0" * 64, look=None)
    unheard = ContainerWord("unheard", digest_of(look_text(UNKNOWN)))
    word = replace(whole(first), containers=(moved, unheard), checked_at=LATER)
    assert set(store.take(word, LATER)) == {moved.container_id, "unheard"}
    assert list(store.latest()) == [first]


def test_many_containers_are_kept(store: NodeStore) -> None:
    many = [
        replace(UNKNOWN, container=replace(UNKNOWN.container, container_id=f"c{number:04}"))
        for number in range(1200)
    ]
    store.save(report("vm", *many))
    store.save(report("vm", *many[:10]))
    assert [len(each.look.looks) for each in store.latest()] == [10]
    store.forget(["vm"])
    assert list(store.latest()) == []
