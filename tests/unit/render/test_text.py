from dataclasses import replace

import pytest

from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.report import Report, Requests, Summary, Unproven
from reconciler.core.resource import ResourceKey
from reconciler.render.summaries import request_words, short_revision
from reconciler.render.terminal import Style
from reconciler.render.text import delete_command, explain_command, outcomes_text, report_text
from tests.unit.render.cases import (
    DRIFTED,
    DRIFTS,
    IN_SYNC,
    INTRUDER,
    NOW,
    READER,
    REPLICAS,
    REVISION_RULE,
    SETTINGS,
    WEB,
)

STYLE = Style(False, 100)


def shown(report: Report) -> list[str]:
    return report_text(report, STYLE, NOW).splitlines()


def of(*drifts: Drift) -> Report:
    return replace(DRIFTED, drifts=drifts, notes=())


def test_the_summary_is_the_last_line() -> None:
    assert shown(DRIFTED)[-1] == (
        "✗ shop @ 4f0c12a: 166 objects, 160 in sync, 5 drifted (3 high, 2 medium), 1 unreadable"
    )
    assert shown(IN_SYNC) == [
        "compared with the server's own answer · 14 list requests",
        "✓ shop @ 4f0c12a: all 166 objects in sync",
    ]


def test_objects_keep_the_reports_order() -> None:
    lines = shown(DRIFTED)
    places = [next(i for i, x in enumerate(lines) if str(d.key) in x) for d in DRIFTS]
    assert places == sorted(places)


def test_what_could_not_be_read_is_not_called_drift() -> None:
    summary = Summary(resources=3, in_sync=2, drifted=0, unreadable=1)
    line = shown(replace(of(DRIFTS[5]), summary=summary))[-1]
    assert line == "? shop @ 4f0c12a: 3 objects, 2 in sync, 1 unreadable"


def test_one_object_in_sync_and_one_field_unproven() -> None:
    summary = Summary(resources=1, in_sync=1, drifted=0, unreadable=0)
    one = replace(IN_SYNC, summary=summary)
    assert shown(one)[-1] == "✓ shop @ 4f0c12a: 1 object, in sync"
    lines = shown(replace(one, unproven=(Unproven(WEB, "", "no schema"),)))
    assert lines[:2] == ["? 1 field could not be proven", "    Deployment shop/web  no schema"]
    assert lines[-1].endswith("1 object, no drift found; 1 field could not be proven")


def test_an_author_of_everything_is_named_once() -> None:
    lines = shown(of(DRIFTS[2]))
    assert lines[1] == "    by kubectl-edit, 4 minutes ago"
    assert sum("kubectl-edit" in line for line in lines) == 1


def test_a_missing_object_says_what_to_do() -> None:
    assert shown(of(DRIFTS[4]))[1] == "    declared but not live; `plumbline restore` makes it"
    noted = replace(DRIFTS[4], note="its definition is missing too")
    assert shown(of(noted))[1] == "    declared but not live: its definition is missing too"


def test_an_unmanaged_object_says_who_made_it_and_what_to_do() -> None:
    assert shown(of(DRIFTS[1]))[1:3] == [
        "    live but not declared; made by kubectl-run, 3 hours ago",
        "    declare it, ignore it by a rule, or delete it:  kubectl delete pod debug -n shop",
    ]
    noted = replace(DRIFTS[1], by=None, note="its owner Job x was not found")
    assert shown(of(noted))[1] == "    live but not declared; its owner Job x was not found"


def test_an_unreadable_object_says_why_and_what_to_do() -> None:
    assert shown(of(DRIFTS[5]))[1:3] == [
        '    unknown: the user "ci" may not list widgets in the namespace shop',
        "    `plumbline doctor` checks access and rights",
    ]
    assert shown(of(replace(DRIFTS[5], note="")))[1] == "    unknown: it could not be read"


def test_a_modified_objects_note_and_what_rules_explain() -> None:
    drift = Drift(
        "d-1",
        DriftType.MODIFIED,
        Severity.LOW,
        WEB,
        "apps/v1",
        changes=(REPLICAS,),
        hidden=(REVISION_RULE,),
        note="it must be recreated",
        first_seen="not a time",
    )
    assert shown(of(drift))[1:4] == [
        "    ~ spec.replicas  2 → 5  by kubectl through scale, 2 hours ago",
        "    it must be recreated",
        "    1 more explained by rules:  plumbline explain deployment/web -n shop",
    ]


def test_commands_are_safe_to_paste() -> None:
    assert explain_command(READER) == "plumbline explain clusterrole/system:shop-reader"
    assert delete_command(INTRUDER) == "kubectl delete pod debug -n shop"
    assert delete_command(WEB) == "kubectl delete deployment.apps web -n shop"
    hostile = ResourceKey("", "Pod", "a b", "$(touch owned)")
    assert delete_command(hostile) == "kubectl delete pod '$(touch owned)' -n 'a b'"


def test_an_old_answer_says_how_old_it_is() -> None:
    old = replace(IN_SYNC, checked_at="2026-11-24T09:00:00Z")
    assert shown(old)[0].endswith("· checked 3 hours ago")


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        (Requests(), "no request"),
        (Requests(get=1), "1 get request"),
        (Requests(1200, 2, 3, 4), "1,200 list, 2 get, 3 dry-run, 4 write requests"),
    ],
)
def test_requests_are_counted(requests: Requests, words: str) -> None:
    assert request_words(requests) == words


def test_revisions_are_shortened() -> None:
    assert short_revision("4f0c12a9d1b7") == "4f0c12a"
    assert short_revision("sha256:9a8b7c6d5e") == "sha256:9a8b7c6"


def test_outcomes_without_a_conflict_and_without_any() -> None:
    assert outcomes_text(IN_SYNC, STYLE) == "✓ shop @ 4f0c12a: all 166 objects in sync\n"


def test_everything_hidden_is_counted() -> None:
    one = replace(IN_SYNC, summary=replace(IN_SYNC.summary, hidden=1))
    assert shown(one)[0] == "1 difference is explained by rules: plumbline explain KIND/NAME"


def test_many_unproven_fields_are_counted() -> None:
    many = tuple(Unproven(SETTINGS, f"data.k{n}", "no schema") for n in range(9))
    lines = shown(replace(IN_SYNC, unproven=many))
    assert lines[9] == "    … (1 more: -o json names them all)"
