import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.observations.store import EventStore
from reconciler.adapters.observations.witnesses import AllWitnesses
from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness
from reconciler.core.errors import ConfigError
from reconciler.core.resource import Catalog, ResourceKey, ResourceKind

REF = ObjectRef("", "configmaps", "shop", "web")
KEY = ResourceKey("", "ConfigMap", "shop", "web")


def event(number: int, user: str = "jane", ref: ObjectRef = REF, **more: Any) -> AuditEvent:
    known: dict[str, Any] = {"deed": Deed.WROTE, "verb": "patch", **more}
    time = f"2026-11-24T12:00:{number % 60:02}Z"
    return AuditEvent(
        f"{user}-{number}", Witness.AUDIT, ref, received=time, time=time, user=user, **known
    )


def ids(store: EventStore, key: ResourceKey = KEY) -> list[str]:
    return [each.request_id for each in store.events_of(key)]


def test_events_are_found_by_the_object() -> None:
    store = EventStore()
    store.add([event(1), event(2, ref=REF._replace(name="other")), event(3)])
    assert ids(store) == ["jane-1", "jane-3"]
    assert ids(store, KEY._replace(namespace="other")) == []
    assert len(store) == 3


def test_an_event_told_twice_is_kept_once() -> None:
    store = EventStore()
    store.add([event(1), event(1)])
    assert len(store) == 1


def test_deletions_of_collections_are_found_by_each_object() -> None:
    store = EventStore()
    store.add(
        [event(1, ref=REF._replace(name="")), event(2, ref=REF._replace(namespace="", name=""))]
    )
    assert sorted(ids(store)) == ["jane-1", "jane-2"]
    cluster = EventStore()
    nodes = ObjectRef("", "nodes", "", "")
    cluster.add([event(1, ref=nodes)])
    assert ids(cluster, ResourceKey("", "Node", "", "a")) == ["jane-1"]


def test_the_catalog_knows_what_cannot_be_guessed() -> None:
    kind = ResourceKind("gateway.networking.k8s.io", "v1", "Gateway", "gateways", True)
    store = EventStore()
    store.add([event(1, ref=ObjectRef(kind.group, "gateways", "shop", "web"))])
    key = ResourceKey(kind.group, "Gateway", "shop", "web")
    assert ids(store, key) == []
    both = AllWitnesses([store, EventStore()])
    both.learn(Catalog("v1.37.2", {(kind.api_version, kind.kind): kind}, {}, {}))
    assert [each.request_id for each in both.events_of(key)] == ["jane-1"]


@pytest.mark.parametrize(
    ("group", "resource"),
    [("", "events"), ("coordination.k8s.io", "leases"), ("authorization.k8s.io", "anything")],
)
def test_what_nobody_declares_takes_no_room(group: str, resource: str) -> None:
    store = EventStore()
    store.add([event(1, ref=ObjectRef(group, resource, "shop", "web"))])
    assert len(store) == 0


def test_a_busy_writer_pushes_out_itself_alone() -> None:
    store = EventStore(per_object=4)
    store.add([event(0, "jane"), *(event(n, "controller") for n in range(100)), event(1, "bob")])
    assert ids(store) == ["jane-0", "controller-98", "controller-99", "bob-1"]


def test_more_writers_than_room_lose_the_oldest() -> None:
    store = EventStore(per_object=2)
    store.add(event(n, f"user{n}") for n in range(3))
    assert ids(store) == ["user1-1", "user2-2"]


def test_the_object_that_was_written_the_longest_ago_is_forgotten() -> None:
    store = EventStore(capacity=5)
    first, second = REF._replace(name="first"), REF._replace(name="second")
    store.add([event(1, ref=first), event(2, ref=first), event(3, ref=second)])
    store.add([event(4, ref=first), event(5), event(6)])
    assert len(store) == 5
    assert ids(store, KEY._replace(name="second")) == []
    assert len(ids(store, KEY._replace(name="first"))) == 3
    # An object is forgotten as a whole: of a part of its events the wrong person may be left.
    store.add([event(7)])
    assert ids(store) == ["jane-5", "jane-6", "jane-7"]
    assert len(store) == 3


def test_what_was_touched_stays_known_when_events_make_room() -> None:
    store = EventStore(per_object=1)
    parts = [frozenset({("data", str(n))}) for n in range(100)]
    store.add([event(1, touched=parts[0]), event(2, touched=parts[1])])
    (left,) = store.events_of(KEY)
    assert (left.request_id, left.touched) == ("jane-2", parts[0] | parts[1])
    store.add([event(3, touched=None)])
    assert store.events_of(KEY)[0].touched is None
    fresh = EventStore(per_object=1)
    fresh.add(event(n, touched=part) for n, part in enumerate(parts))
    assert fresh.events_of(KEY)[0].touched is None


def test_all_is_kept_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    full = replace(
        event(1),
        witness=Witness.ADMISSION,
        deed=Deed.DELETED,
        groups=("a", "b"),
        addresses=("10.0.0.7",),
        touched=frozenset({("data", "a"), ()}),
        selective=True,
    )
    store = EventStore()
    store.add([full, event(2)])
    path = tmp_path / "kept" / "events.json"
    store.save(path, {"offset": 7})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    fresh = EventStore()
    assert fresh.load(path) == {"offset": 7}
    assert fresh.events_of(KEY) == store.events_of(KEY)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2, "events": []}',
        '{"format": 1}',
        '{"format": 1, "events": [{}]}',
        '{"format": 1, "events": [1]}',
        json.dumps({"format": 1, "events": [{"ref": [1], "touched": None, "groups": []}]}),
    ],
)
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "events.json"
    path.write_text(content)
    store = EventStore()
    assert store.load(path) is None
    assert store.load(tmp_path / "absent") is None
    assert len(store) == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file/events\.json"):
        EventStore().save(tmp_path / "file" / "events.json")
