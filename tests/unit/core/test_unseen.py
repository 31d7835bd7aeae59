"""Which known drifts may be there still, and why others are gone."""

from reconciler.core.drift import DriftType, id_of
from reconciler.core.live import Unread
from reconciler.core.report import Comparison, Insight, Report, Requests, Summary
from reconciler.core.resource import ResourceKey
from reconciler.core.unseen import is_unseen, why_gone
from tests.unit.core.build import desired_of, live_of, sides_of

POD = ResourceKey("", "Pod", "shop", "web-1")
SIDES = sides_of(desired_of(), live_of())
IN_CONTAINER = "d-000000000001"
SPEC = id_of("shop", DriftType.POD_SPEC, POD)
OBJECT = id_of("shop", DriftType.UNMANAGED, POD)


def report(insight: Insight | None) -> Report:
    summary = Summary(0, 0, 0, 0)
    return Report("shop", "r", "", Comparison.SERVER, summary, Requests(), (), insight=insight)


def test_what_an_untold_pod_had_in_its_containers_stays() -> None:
    untold = report(Insight(frozenset({POD})))
    assert is_unseen(IN_CONTAINER, POD, untold, SIDES)
    assert not is_unseen(IN_CONTAINER, POD._replace(name="other"), untold, SIDES)
    # Of the pod as a whole the cluster has told.
    assert not is_unseen(SPEC, POD, untold, SIDES)
    assert not is_unseen(OBJECT, POD, untold, SIDES)


def test_what_is_one_too_many_stays() -> None:
    found = report(Insight(unlisted=frozenset({IN_CONTAINER})))
    assert is_unseen(IN_CONTAINER, POD, found, SIDES)
    assert not is_unseen(SPEC, POD, found, SIDES)


def test_what_could_not_be_read_stays() -> None:
    unread = sides_of(desired_of(), live_of(unread=(Unread("", "Pod", "", "forbidden"),)))
    assert is_unseen(IN_CONTAINER, POD, report(None), unread)
    assert not is_unseen(IN_CONTAINER, POD, report(None), SIDES)


def test_what_nobody_looks_for_any_more_is_said_to_be_that() -> None:
    for drift in (IN_CONTAINER, SPEC):
        assert why_gone(drift, POD, report(None)).startswith("no longer looked for")
        assert why_gone(drift, POD, report(Insight())) == "no longer found"
    assert why_gone(OBJECT, POD, report(None)) == "no longer found"


def test_of_a_pod_that_nobody_can_claim_nothing_is_gone() -> None:
    found = report(Insight(unclaimed=frozenset({POD})))
    for drift in (IN_CONTAINER, SPEC, OBJECT):
        assert is_unseen(drift, POD, found, SIDES)
