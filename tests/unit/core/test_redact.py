import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import Change, ChangeType, MaskedDigest
from reconciler.core.path import Item, Path
from reconciler.core.redact import MASK, Redaction, mask, mask_text, named
from reconciler.core.resource import ResourceKey
from tests.unit.core.build import REDACTION

SECRET = ResourceKey("", "Secret", "shop", "db")
CONFIG = ResourceKey("", "ConfigMap", "shop", "web")
PASSWORD = Item((("name", "DB_PASSWORD"),))
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        (("data", "password"), "aHVudGVyMg==", MASK),
        (("data",), {"a": "eA==", "b": "eQ=="}, {"a": MASK, "b": MASK}),
        (("stringData", "x"), "y", MASK),
        (("data",), "no map", MASK),
        ((), {"data": {"a": "eA=="}, "type": "Opaque"}, {"data": {"a": MASK}, "type": "Opaque"}),
        (("type",), "Opaque", "Opaque"),
        (("data",), None, None),
    ],
)
def test_a_secrets_values_are_masked_and_its_keys_shown(
    path: Path, value: object, shown: object
) -> None:
    assert mask(SECRET, path, value) == shown


def test_only_kubernetes_own_secrets_are_secrets_by_their_kind() -> None:
    other = ResourceKey("example.com", "Secret", "shop", "db")
    assert mask(other, ("data", "colour"), "blue") == "blue"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("env", PASSWORD, "value"), "hunter2hunter2"),
        (("items", Item((("key", "api-token"),)), "value"), "hunter2hunter2"),
        (("spec", "auth", "password"), "hunter2hunter2"),
        (("spec", "password", "value"), "hunter2hunter2"),
        (("spec", "apiKey"), "hunter2hunter2"),
        (("spec", "accessToken", 0), "hunter2hunter2"),
        (("spec", "pwd"), 12345678),
        (("data", "SECRET_KEY"), "hunter2hunter2"),
        (("data", "AWS_SECRET_ACCESS_KEY"), "hunter2hunter2"),
        (("data", "tls"), PEM),
        (("data", "tls"), "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ=="),
        (("data", "url"), "postgres://user:hunter2@db/x"),
        (("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"), "{}"),
        (("spec", "template", "metadata", "annotations", "x.io/last-applied"), "{}"),
    ],
)
def test_what_is_named_or_looks_like_a_secret_is_masked(path: Path, value: object) -> None:
    assert mask(CONFIG, path, value) == MASK


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("env", Item((("name", "COLOUR"),)), "value"), "blue"),
        (("env", PASSWORD, "name"), "DB_PASSWORD"),
        (("spec", "secretName"), "db"),
        (("spec", "passwordSecretRef"), {"name": "db", "key": "password"}),
        (("spec", "automountServiceAccountToken"), True),
        (("spec", "tokens"), 5),
        (("spec", "l", PASSWORD), None),
        (("data", "ca"), "-----BEGIN CERTIFICATE-----\nMII"),
        (("data", "ca"), "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"),
        (("data", "url"), "https://example.com:8080/a@b"),
        (("args", 0), "--password=$(PASSWORD)"),
        (("args", 0), "--token-ttl=5m"),
        (("data", "x.yaml"), "secret:\n  secretName: db"),
        ((), 7),
        ((), True),
        ((), "text"),
    ],
)
def test_what_only_points_to_a_secret_is_shown(path: Path, value: object) -> None:
    assert mask(CONFIG, path, value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("--db-password=hunter2 --v=2", "--db-password=*** --v=2"),
        ("a: 1\npassword: hunter2\nb: 2", "a: 1\npassword: ***\nb: 2"),
        ('{"apiKey": "hunter2", "x": 1}', '{"apiKey": "***", "x": 1}'),
        ("client-key-data: LS0thunter2", "client-key-data: ***"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
    ],
)
def test_a_secret_in_a_longer_text_is_masked_and_the_rest_is_shown(value: str, shown: str) -> None:
    assert mask(CONFIG, ("args", 0), value) == shown
    assert mask(CONFIG, ("data", "settings"), value) == shown


def test_masking_reaches_into_everything() -> None:
    env = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "COLOUR", "value": "blue"}, "x"]
    assert mask(CONFIG, ("spec",), {"env": env, "n": 1}) == {
        "env": [{"name": "DB_PASSWORD", "value": MASK}, {"name": "COLOUR", "value": "blue"}, "x"],
        "n": 1,
    }


def test_an_item_without_merge_keys_is_named_by_the_object_that_holds_it() -> None:
    body = {"env": [{"name": "A"}, {"name": "DB_PASSWORD", "value": "x"}, {"v": 1}], "args": ["x"]}
    assert named(("env", 1, "value"), body) == ("env", PASSWORD, "value")
    assert named(("env", 2, "v"), body) == ("env", 2, "v")
    assert named(("args", 0), body) == ("args", 0)
    assert named(("env", 7, "value"), body) == ("env", 7, "value")
    assert named(("env", 1, "value"), None) == ("env", 1, "value")
    by_id = Item((("id", 1),))
    assert named((by_id, "value"), [{"id": 1, "key": "token"}]) == (
        Item((("key", "token"),)),
        "value",
    )


def test_a_change_that_holds_no_secret_stays_as_it_is() -> None:
    change = Change(("spec", "replicas"), ChangeType.CHANGED, 1, 3)
    assert REDACTION.change(CONFIG, change) is change


def test_a_masked_change_tells_by_digests_that_the_values_differ() -> None:
    change = Change(("data", "a"), ChangeType.CHANGED, "b25l", "dHdv")
    masked = REDACTION.change(SECRET, change)
    assert (masked.desired, masked.live) == (MASK, MASK)
    assert masked.masked == MaskedDigest(REDACTION.digest("b25l"), REDACTION.digest("dHdv"))
    added = REDACTION.change(SECRET, Change(("data", "a"), ChangeType.ADDED, None, "dHdv"))
    assert added.desired is None
    assert added.masked == MaskedDigest("", REDACTION.digest("dHdv"))


def test_an_item_that_shares_its_name_is_masked_by_that_name() -> None:
    env = [{"name": "DB_PASSWORD", "value": value} for value in ("one", "two")]
    change = Change(("env", 1, "value"), ChangeType.CHANGED, "two", "hunter2")
    masked = REDACTION.change(CONFIG, change, {"env": env}, {"env": env})
    assert (masked.desired, masked.live) == (MASK, MASK)


def test_a_digest_is_the_same_for_the_same_value_and_key_alone() -> None:
    assert REDACTION.digest({"a": 1, "b": "ü\ud800"}) == REDACTION.digest({"b": "ü\ud800", "a": 1})
    assert REDACTION.digest("a") != REDACTION.digest("b")
    assert REDACTION.digest("a") != Redaction(b"another").digest("a")
    assert REDACTION.digest(None) == ""


#: Nothing that is in the names around it, and long enough to be found only where it was put.
SECRETS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=24)
PLACES: dict[str, Any] = {
    "environment": lambda s: {"spec": {"env": [{"name": "PASSWORD", "value": s}]}},
    "the same variable twice": lambda s: {
        "spec": {"env": [{"name": "PASSWORD", "value": s}, {"name": "PASSWORD", "value": s}]}
    },
    "argument": lambda s: {"spec": {"args": [f"--token={s}"]}},
    "configuration file": lambda s: {"data": {"app.ini": f"[db]\npassword = {s}\n"}},
    "field": lambda s: {"spec": {"auth": {"clientSecret": s}}},
    "address": lambda s: {"spec": {"url": f"amqp://shop:{s}@queue"}},
    "private key": lambda s: {"data": {"x": f"-----BEGIN PRIVATE KEY-----\n{s}\n"}},
    "kubeconfig": lambda s: {"data": {"config": f"users:\n- user:\n    token: {s}\n"}},
    "last applied": lambda s: {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": f"{s}"}}
    },
}


@given(SECRETS, st.sampled_from(sorted(PLACES)))
def test_no_secret_is_left_wherever_it_was(secret: str, place: str) -> None:
    body = PLACES[place](f"q7{secret}")
    shown = json.dumps(mask(CONFIG, (), body))
    assert f"q7{secret}" not in shown


@given(SECRETS, st.sampled_from(sorted(PLACES)))
def test_what_is_masked_stays_as_it_is(secret: str, place: str) -> None:
    once = mask(CONFIG, (), PLACES[place](secret))
    assert mask(CONFIG, (), once) == once


def test_secrets_in_a_text_are_masked() -> None:
    text = "a=1\npassword=hunter2\nurl: postgres://me:hunter2@db/x\n"
    assert mask_text(text) == f"a=1\npassword={MASK}\nurl: postgres://me:{MASK}@db/x\n"
    assert mask_text("x\n-----BEGIN PRIVATE KEY-----\nMII") == MASK
