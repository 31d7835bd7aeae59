"""What came of replacing a pod; of all else, test_controller tells."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.live import LiveState, Unread
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import Evict, Plan
from reconciler.core.quarantine import in_quarantine
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.restoration import verify
from tests.unit.test_controller import World, config, world

POD = ResourceKey("", "Pod", "default", "web-1")
OWNER = ResourceKey("apps", "Deployment", "default", "web")
RESTORED, UNVERIFIED = OutcomeType.RESTORED, OutcomeType.UNVERIFIED
REFUSED, CONFLICT = OutcomeType.REFUSED, OutcomeType.CONFLICT


class WithPods:
    """A live side that was asked for pods, too."""

    def __init__(self, made: World, *pods: JsonObject, unread: bool = False) -> None:
        self._live = made.target().live
        self._pods = dict.fromkeys([POD], pods[0]) if pods else {}
        self._unread = (Unread("", "Pod", "default", "forbidden"),) if unread else ()

    def read(self, listings: Any) -> LiveState:
        live = self._live.read(listings)
        v1 = {**live.objects.get("v1", {}), **self._pods}
        return LiveState({**live.objects, "v1": v1}, (*live.unread, *self._unread))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)


def pod(**metadata: Any) -> JsonObject:
    return {"metadata": {"name": "web-1", "namespace": "default", "uid": "u1", **metadata}}


@pytest.mark.parametrize(
    ("pods", "written", "verified"),
    [
        ((), RESTORED, RESTORED),
        ((), UNVERIFIED, RESTORED),
        ((pod(uid="u2"),), RESTORED, RESTORED),
        ((pod(deletionTimestamp="2026-11-24T12:00:00Z"),), RESTORED, RESTORED),
        ((in_quarantine(pod()),), UNVERIFIED, RESTORED),
        ((pod(),), RESTORED, UNVERIFIED),
        # Nobody knew whether the request came through: it didn't.
        ((pod(),), UNVERIFIED, REFUSED),
        ((pod(),), CONFLICT, CONFLICT),
    ],
)
def test_a_pod_is_replaced_once_it_serves_no_more(
    pods: tuple[JsonObject, ...], written: OutcomeType, verified: OutcomeType
) -> None:
    made = world(config(colour="blue"))
    target = replace(made.target(), live=WithPods(made, *pods))
    plan = Plan("shop", "4f0c", (Evict(POD, "v1", "u1", OWNER),), (), "p-1")
    (outcome,) = verify(target, plan, [Outcome(POD, written)]).report.outcomes
    assert outcome.outcome is verified


def test_a_pod_that_could_not_be_read_afterwards_is_not_called_replaced() -> None:
    made = world(config(colour="blue"))
    target = replace(made.target(), live=WithPods(made, unread=True))
    plan = Plan("shop", "4f0c", (Evict(POD, "v1", "u1", OWNER),), (), "p-1")
    (outcome,) = verify(target, plan, [Outcome(POD, RESTORED)]).report.outcomes
    assert outcome == Outcome(POD, UNVERIFIED, "it could not be read afterwards: forbidden")
