"""A yes by an object's annotation: whose it is, and what it is for."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.actors import Actor
from reconciler.core.annotated import Annotated, annotated_yes, unwitnessed_at, why_void
from reconciler.core.approving import ApprovalPolicy, Concerned, why_not
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.live import APPROVE_ANNOTATION, judged_part
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Path
from reconciler.core.planning import live_digest
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.words import Speaker

WEB = ResourceKey("apps", "Deployment", "shop", "web")
ANNOTATIONS: Path = ("metadata", "annotations")
JANE = Actor("jane", ("sre",))


def live(**annotations: str) -> JsonObject:
    named = {"annotations": annotations} if annotations else {}
    return {
        "kind": "Deployment",
        "metadata": {"uid": "u-1", "name": "web", **named},
        "spec": {"replicas": 2},
    }


def drift(path: Path = (*ANNOTATIONS, APPROVE_ANNOTATION), actor: Actor | None = JANE) -> Drift:
    changes = (
        Change(("spec", "replicas"), ChangeType.CHANGED, 1, 2, actor=Actor("joe")),
        Change(path, ChangeType.ADDED, None, "p-1", actor=actor),
    )
    return Drift("d-1", DriftType.MODIFIED, Severity.HIGH, WEB, "apps/v1", changes=changes)


def said(text: str, **how: Any) -> Annotated | None:
    return annotated_yes(drift(**how), live(**{APPROVE_ANNOTATION: text}))


def test_it_is_the_yes_of_whoever_wrote_it() -> None:
    speaker = Speaker("jane", "", frozenset({"group:sre"}))
    assert said(" p-1  it was a mistake ") == Annotated("p-1", "it was a mistake", speaker)
    assert said("p-1", actor=Actor("root", impersonated="jo")) == Annotated(
        "p-1", "", Speaker("jo")
    )


@pytest.mark.parametrize("actor", [None, Actor("jane", certain=False, others=("joe",))])
def test_it_is_nobody_s_where_it_may_have_been_another(actor: Actor | None) -> None:
    found = said("p-1", actor=actor)
    assert found == Annotated("p-1")
    assert "nobody saw who wrote it" in why_void(found, is_there=True)


def test_it_is_nobody_s_where_it_is_as_git_declares_it() -> None:
    assert said("p-1", path=("metadata", "labels")) == Annotated("p-1")
    assert unwitnessed_at(drift(path=("metadata", "labels"))) == ""


def test_who_wrote_it_may_be_told_a_moment_later() -> None:
    by = FieldManager("2026-11-24T12:00:00Z", "kubectl-annotate", "Update")
    late = replace(drift(actor=None).changes[1], by=by)
    assert unwitnessed_at(replace(drift(), changes=(late,))) == "2026-11-24T12:00:00Z"
    assert unwitnessed_at(replace(drift(), changes=(replace(late, actor=JANE),))) == ""
    assert unwitnessed_at(drift(actor=None)) == ""


def test_to_say_yes_to_an_edit_is_no_part_of_it() -> None:
    speaker = Speaker("jane")
    assert why_not(speaker, [Concerned(drift(), {})], ApprovalPolicy()) == ""
    own = why_not(Speaker("joe"), [Concerned(drift(), {})], ApprovalPolicy())
    assert "joe changed Deployment shop/web" in own


def test_without_it_nothing_is_said() -> None:
    assert annotated_yes(drift(), live(team="web")) is None
    assert annotated_yes(drift(), live()) is None
    assert annotated_yes(drift(), None) is None


def test_why_it_agrees_to_nothing() -> None:
    good = Annotated("p-1", speaker=Speaker("jane"))
    assert why_void(good, is_there=True) == ""
    assert "no plan of that digest is there" in why_void(good, is_there=False)


def test_a_long_reason_is_cut() -> None:
    found = said("p-1 " + "x" * 1000)
    assert found is not None
    assert len(found.reason) == 200


def test_to_say_yes_moves_no_plan_and_anything_else_does() -> None:
    plain, other = live(), live(team="web")
    assert live_digest(live(**{APPROVE_ANNOTATION: "p-1"})) == live_digest(plain)
    assert live_digest(live(team="web", **{APPROVE_ANNOTATION: "p-1"})) == live_digest(other)
    assert live_digest(other) != live_digest(plain)
    assert judged_part(live(team="web")) == live(team="web") | {
        "metadata": {"name": "web", "annotations": {"team": "web"}}
    }
    # Whatever else somebody put there is their edit.
    odd = live() | {"metadata": {"uid": "u-1", "annotations": None}}
    assert judged_part(odd)["metadata"] == {"annotations": None}
