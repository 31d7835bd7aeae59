import pytest

from reconciler.core.live import SERVER_METADATA, LiveState, Unread, comparable
from reconciler.core.resource import ResourceKey
from tests.unit.core.build import key_of, live_of, lived, made

WEB = ResourceKey("apps", "Deployment", "shop", "web")


def test_only_what_a_declaration_can_decide_is_compared() -> None:
    body = made(metadata={"labels": {"a": "b"}, "finalizers": ["x"]}, data={"c": "d"})
    live = {**lived(body), "status": {"ready": True}}
    for name in SERVER_METADATA:
        live["metadata"][name] = "the server's"
    before = repr(live)
    assert comparable(live) == body
    assert repr(live) == before
    assert comparable({"kind": "List"}) == {"kind": "List", "metadata": {}}


@pytest.mark.parametrize(
    ("unread", "covers"),
    [
        (Unread("apps", "Deployment", "shop", "no"), True),
        (Unread("apps", "Deployment", "", "no"), True),
        (Unread("apps", "", "", "no"), True),
        (Unread("apps", "Deployment", "other", "no"), False),
        (Unread("apps", "StatefulSet", "shop", "no"), False),
        (Unread("batch", "", "", "no"), False),
        (Unread("", "Deployment", "shop", "no"), False),
    ],
)
def test_what_could_not_be_read_covers_its_objects(unread: Unread, *, covers: bool) -> None:
    assert unread.covers(WEB) is covers
    others = (Unread("x", "", "", "other"), unread)
    assert LiveState({}, others).why_unread(WEB) == ("no" if covers else None)


def test_an_object_is_found_in_the_version_that_it_was_read_in() -> None:
    live = live_of(lived(made()))
    key = key_of(made())
    assert live.find("v1", key) == lived(made())
    assert live.find("v2", key) is None
    assert live.find("v1", WEB) is None


def test_each_object_is_given_once() -> None:
    body = lived(made("Deployment"))
    older = {**body, "apiVersion": "apps/v1beta1"}
    live = live_of(body, older, lived(made()))
    assert [(version, key.kind) for version, key, _ in live.each()] == [
        ("apps/v1", "Deployment"),
        ("v1", "ConfigMap"),
    ]
