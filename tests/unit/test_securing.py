"""Pods whose evidence is yet to be kept are left out of what is carried out now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.controller import check
from reconciler.core.containers import ContainerRef, FileDrift
from reconciler.core.deciding import Mode, Policy
from reconciler.core.drift import ChangeType, Drift, DriftType, Severity
from reconciler.core.evidence import AskedEvidence, Evidence
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Create, Evict, Plan
from reconciler.core.resource import ResourceKey
from reconciler.core.securing import EvidencePolicy
from reconciler.deliberation import Deliberation, with_drifts
from reconciler.securing import evidence_due, secured
from tests.fakes.evidence import FakeEvidenceStore
from tests.unit.test_controller import NOON, config, world

POD = ResourceKey("", "Pod", "default", "web-1")
OWNER = ResourceKey("apps", "Deployment", "default", "web")
EVICT = Evict(POD, "v1", "u1", OWNER)
CREATE = Create(OWNER, "apps/v1", {})
FILE = FileDrift("/x", ChangeType.ADDED, Severity.HIGH, "executable", None, None)
SEEN = Drift(
    "d-1",
    DriftType.FILE,
    Severity.HIGH,
    POD,
    "v1",
    uid="u1",
    container=ContainerRef("default", "web-1", "u1", "web", "c1", node="n1"),
    seen=FILE,
    owner=OWNER,
)
POLICY = Policy(containers=Mode.RESTORE)


def done(*drifts: Drift) -> Deliberation:
    look = with_drifts(check(world(config(colour="blue")).target()), drifts)
    plan = Plan("shop", "4f0c", (CREATE, EVICT), (), "p-1")
    return Deliberation(look, plan, plan, replace(plan, actions=()))


def test_a_pod_waits_for_its_evidence_and_for_no_person() -> None:
    store = FakeEvidenceStore()
    first = secured(done(SEEN), store, POLICY, NOON)
    assert first.plan.actions == (CREATE,)
    assert first.deferred == (EVICT,)
    assert not first.waits_for_person
    assert evidence_due(first, NOON) == NOON + timedelta(seconds=2)
    assert store.asked(["u1"]) == {"u1": AskedEvidence("n1", rfc3339(NOON))}

    store.keep("n1", [Evidence("u1", "a" * 64, 9, rfc3339(NOON))])
    then = secured(done(SEEN), store, POLICY, NOON)
    words = f"sha256:{'a' * 64} on the node n1"
    assert then.plan.actions == (CREATE, replace(EVICT, evidence=words))
    assert then.deferred == ()
    assert evidence_due(then, NOON) is None


@pytest.mark.parametrize(
    ("drift", "heard", "policy"),
    [
        # What the cluster itself tells of a pod needs no evidence.
        (replace(SEEN, type=DriftType.POD_SPEC, container=None, seen=None), True, POLICY),
        (SEEN, False, POLICY),
        (SEEN, True, replace(POLICY, evidence=EvidencePolicy.OFF)),
    ],
)
def test_nobody_is_asked_where_there_is_nothing_to_keep(
    drift: Drift, heard: bool, policy: Policy
) -> None:
    store = FakeEvidenceStore()
    before = done(drift)
    assert secured(before, store if heard else None, policy, NOON) == before
    assert list(store.wanted("n1")) == []
