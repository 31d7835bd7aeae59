"""Dry runs as others: what is sent, what is read of the answer, and what stops it."""

from typing import Any

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.impersonation import Trials
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError, Rejected
from reconciler.core.guard.subjects import Sender, parse_subject
from tests.fakes.kinds import kind_of
from tests.fakes.wire import ScriptedWire, answer

CONFIG_MAP = kind_of("v1", "ConfigMap", "configmaps")
BODY = {"metadata": {"name": "one", "namespace": "shop"}, "data": {}}
COLLECTION = "/api/v1/namespaces/shop/configmaps"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def trials(wire: ScriptedWire) -> Trials:
    access = Access("https://cluster.example", FixedCredentials("Bearer x"))
    return Trials(access, Timing(sleep=lambda _: None), Tally(), wire)


@pytest.mark.parametrize(
    ("verb", "method", "path"),
    [
        ("create", "POST", COLLECTION),
        ("update", "PUT", f"{COLLECTION}/one"),
        ("delete", "DELETE", f"{COLLECTION}/one"),
    ],
)
def test_every_write_is_a_dry_run_of_the_other(verb: str, method: str, path: str) -> None:
    wire = ScriptedWire({path: [answer({})]})
    sender = Sender("jane", frozenset({"system:authenticated", "ops"}))
    came = trials(wire).tried(sender, verb, CONFIG_MAP, BODY)
    assert (came.code, came.warnings, came.message) == (200, (), "")
    (asked,) = wire.asked
    assert asked.method == method
    assert asked.headers["Impersonate-User"] == "jane"
    assert asked.headers["Impersonate-Group"] == "ops"
    assert "All" in (asked.query.get("dryRun") or asked.body.get("dryRun"))


def test_groups_that_the_server_adds_by_itself_are_not_named() -> None:
    wire = ScriptedWire({f"{COLLECTION}/one": [answer({})]})
    sender = Sender.of(parse_subject("account:flux/one"), "x")
    trials(wire).tried(sender, "update", CONFIG_MAP, BODY)
    assert "Impersonate-Group" not in wire.asked[0].headers


def test_warnings_are_read_as_headers_have_them() -> None:
    warnings = ('299 - "it says \\"no\\""', "nonsense")
    wire = ScriptedWire({f"{COLLECTION}/one": [Answer(200, b"{}", 0.0, warnings)]})
    came = trials(wire).tried(Sender("jane"), "update", CONFIG_MAP, BODY)
    assert came.warnings == ('it says "no"',)


def test_a_refusal_is_told_and_is_no_error() -> None:
    status = {"message": 'User "jane" cannot update resource "configmaps"'}
    wire = ScriptedWire({f"{COLLECTION}/one": [answer(status, 403)]})
    came = trials(wire).tried(Sender("jane"), "update", CONFIG_MAP, BODY)
    assert came.code == 403
    assert not came.has_rights


def test_without_the_right_to_act_as_others_it_is_said_how_to_get_it() -> None:
    status = {"message": 'User "x" cannot impersonate resource "users" in API group ""'}
    wire = ScriptedWire({f"{COLLECTION}/one": [answer(status, 403)]})
    with pytest.raises(Rejected, match="may not act as jane") as caught:
        trials(wire).tried(Sender("jane"), "update", CONFIG_MAP, BODY)
    assert "grant the verb impersonate" in str(caught.value)


def test_the_server_says_who_we_are() -> None:
    info: Any = {"status": {"userInfo": {"username": "admin", "groups": ["a", "b"]}}}
    wire = ScriptedWire({WHO: [answer(info)]})
    assert trials(wire).whoami() == Sender("admin", frozenset({"a", "b"}))
    assert "Impersonate-User" not in wire.asked[0].headers


@pytest.mark.parametrize("reply", [answer({}), answer({"reason": "Forbidden"}, 403)])
def test_a_server_that_does_not_say_who_we_are_is_an_error(reply: Answer) -> None:
    with pytest.raises(ClusterError, match="can't be asked who we are"):
        trials(ScriptedWire({WHO: [reply]})).whoami()
