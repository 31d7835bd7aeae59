"""Known drift: what is new or worse counts, what got better is told."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.acceptance import accepted
from reconciler.core.baseline import (
    BASELINE,
    KnownDrift,
    baseline_document,
    baseline_of,
    judged,
    read_baseline,
)
from reconciler.core.drift import (
    IN_PODS,
    Change,
    ChangeType,
    Drift,
    DriftType,
    MaskedDigest,
    Severity,
)
from reconciler.core.errors import ConfigError
from reconciler.core.report import Comparison, Report, Requests, Summary
from reconciler.core.resource import ResourceKey


def change(name: str, live: Any = "2", **more: Any) -> Change:
    return Change(("data", name), ChangeType.CHANGED, "1", live, **more)


def drift(name: str = "settings", *changes: Change, **more: Any) -> Drift:
    key = ResourceKey("", "ConfigMap", "shop", name)
    facts = {"type": DriftType.MODIFIED, "severity": Severity.MEDIUM, **more}
    return Drift(id=f"d-{name}", key=key, api_version="v1", changes=changes, **facts)


A, B = drift("a", change("x")), drift("b", change("y"), change("z"))
UNREAD = drift("b", type=DriftType.UNREADABLE)


def reread(entries: tuple[KnownDrift, ...]) -> tuple[KnownDrift, ...]:
    return read_baseline(baseline_document(entries), "b.yaml")


def test_what_is_known_does_not_count() -> None:
    left, beside = judged("shop", [A, B], reread(baseline_of("shop", [B, A], ())))
    assert left == ()
    assert [each.drift for each in beside.known] == [A, B]
    assert (beside.worse, beside.fixed) == ({}, ())


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (drift("b", change("y")), ""),
        (replace(B, severity=Severity.LOW), ""),
        (replace(B, severity=Severity.HIGH), "which knows it as medium"),
        (replace(B, type=DriftType.MISSING), "which knows it as modified"),
        (drift("b", *B.changes, change("n")), "which doesn't know data.n"),
        (drift("b", *(change(f"n{n}") for n in range(5))), "data.n0, data.n1, data.n2 and 2 more"),
        (drift("b", change("y", "3"), change("z")), "not the value that the baseline knows"),
        (drift("b", change("y", None), change("z")), "not the value that the baseline knows"),
    ],
)
def test_what_is_worse_counts(now: Drift, why: str) -> None:
    left, beside = judged("shop", [A, now], baseline_of("shop", [A, B], ()))
    if why:
        assert left == (now,)
        assert why in beside.worse[now.id]
    else:
        assert left == ()


def test_what_is_new_counts_and_what_is_fixed_is_told() -> None:
    known = baseline_of("shop", [A], ())
    left, beside = judged("shop", [B], known)
    assert left == (B,)
    assert beside.fixed == known
    assert judged("other", [B], known)[1].fixed == ()


def test_what_cannot_be_read_is_neither_known_nor_fixed() -> None:
    left, beside = judged("shop", [UNREAD], baseline_of("shop", [B], ()))
    assert left == (UNREAD,)
    assert (beside.known, beside.fixed) == ((), ())


def test_of_a_masked_value_nothing_is_written_down() -> None:
    secret = change("password", "***", masked=MaskedDigest("aa", "bb"))
    (entry,) = baseline_of("shop", [drift("s", secret)], ())
    assert entry.changes == {"data.password": "changed masked"}


def test_writing_it_anew_keeps_reasons_other_targets_and_what_could_not_be_read() -> None:
    first = baseline_of("shop", [B, A], baseline_of("other", [A], ()))
    said = tuple(replace(each, reason=f"as {each.key.name}") for each in first)
    again = baseline_of("shop", [UNREAD, drift("c"), drift("d", type=DriftType.UNREADABLE)], said)
    assert [(e.target, e.key.name, e.reason) for e in again] == [
        ("other", "a", "as a"),
        ("shop", "b", "as b"),
        ("shop", "c", ""),
    ]


@given(st.permutations([A, B, drift("c"), drift("d", change("x"))]))
def test_its_order_is_its_own(drifts: list[Drift]) -> None:
    expected = baseline_of("shop", sorted(drifts, key=lambda each: each.id), ())
    assert baseline_of("shop", drifts, ()) == expected
    assert reread(expected) == expected


ENTRY = baseline_document(baseline_of("shop", [B], ()))["drifts"][0]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "schema: plumbline.dev/baseline/v1 is missing"),
        ({"schema": "v0"}, "is missing"),
        ({"schema": BASELINE, "drifts": {}}, "drifts is no list"),
        ({"schema": BASELINE, "drifts": [1]}, r"drifts\[0\] is no map"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "name": 7}]}, r"drifts\[0\].name is no text"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "changes": []}]}, "changes is no map"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "changes": {"a": 1}}]}, "changes is no text"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "type": "Odd"}]}, "none that is known"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "severity": []}]}, "none that is known"),
        ({"schema": BASELINE, "drifts": [{**ENTRY, "type": "Unreadable"}]}, "can't be accepted"),
        ({"schema": BASELINE, "drifts": [ENTRY, ENTRY]}, r"drifts\[1\].*is there twice"),
    ],
)
def test_what_is_no_baseline_is_refused(document: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_baseline(document, "b.yaml")
    assert "b.yaml" in str(caught.value)
    assert caught.value.fix


def test_a_report_beside_a_baseline() -> None:
    worse = replace(B, severity=Severity.HIGH, note="being deleted")
    report = Report(
        "shop",
        "4f0c",
        "2026-11-24T12:00:00Z",
        Comparison.SERVER,
        Summary(9, 6, 3, 0),
        Requests(),
        (worse, A),
        notes=("one",),
    )
    known = baseline_of("shop", [A, B, drift("gone")], ())
    beside = accepted(report, known)
    assert [each.key for each in beside.drifts] == [B.key]
    assert beside.drifts[0].note == (
        "being deleted; worse than the baseline, which knows it as medium"
    )
    assert beside.summary == Summary(9, 6, 1, 0)
    assert beside.notes[1] == "fixed since the baseline was written: ConfigMap shop/gone"
    assert beside.baseline is not None
    assert len(beside.notes) == 3
    assert accepted(report, ()).notes == ("one",)


@pytest.mark.parametrize("how", sorted(IN_PODS))
def test_no_baseline_knows_what_drifted_in_a_pod(how: DriftType) -> None:
    pod = drift("settings", change("a"), type=how)
    before = baseline_of("shop", [drift("settings", change("a"))], ())
    assert baseline_of("shop", [pod], ()) == ()
    new, beside = judged("shop", [pod], before)
    assert new == (pod,)
    assert beside.fixed == before
    entry = {**baseline_document(before)["drifts"][0], "type": how.value}
    with pytest.raises(ConfigError, match="drift in a pod can't be accepted"):
        read_baseline({"schema": BASELINE, "drifts": [entry]}, "f")


def test_a_pods_drift_is_counted_apart_beside_a_baseline() -> None:
    pod = drift("settings", change("a"), type=DriftType.POD_SPEC)
    found = Report(
        "shop", "r", "", Comparison.SERVER, Summary(1, 1, 0, 0, pods=1), Requests(), (pod,)
    )
    summary = accepted(found, ()).summary
    assert (summary.drifted, summary.pods) == (0, 1)
