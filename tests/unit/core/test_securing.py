from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.evidence import AskedEvidence, Evidence
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Create, Evict, Plan, Quarantine
from reconciler.core.resource import ResourceKey
from reconciler.core.securing import PATIENCE, EvidencePolicy, with_evidence

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POD = ResourceKey("", "Pod", "shop", "web-1")
OWNER = ResourceKey("apps", "Deployment", "shop", "web")
EVICT = Evict(POD, "v1", "u1", OWNER)
CREATE = Create(OWNER, "apps/v1", {})
PLAN = Plan("shop", "4f0c", (CREATE, EVICT), (), "p-1")
ASKED = AskedEvidence("n1", rfc3339(NOW))
KEPT = replace(ASKED, kept=Evidence("u1", "a" * 64, 9, rfc3339(NOW)))
REQUIRED, WANTED, OFF = EvidencePolicy.REQUIRED, EvidencePolicy.WANTED, EvidencePolicy.OFF


@pytest.mark.parametrize("policy", [REQUIRED, WANTED])
@pytest.mark.parametrize(
    ("asked", "reason"),
    [({}, ""), ({"u1": ASKED}, " by the agent of the node n1"), ({"u2": KEPT}, "")],
)
def test_a_pod_waits_until_its_evidence_is_kept(
    policy: EvidencePolicy, asked: dict[str, AskedEvidence], reason: str
) -> None:
    plan = with_evidence(PLAN, asked, {POD}, policy, NOW)
    assert plan.actions == (CREATE,)
    assert [each.reason for each in plan.held] == [f"its evidence is kept first{reason}"]
    assert plan.digest == PLAN.digest


@pytest.mark.parametrize("action", [EVICT, Quarantine(POD, "v1", "u1", OWNER)])
def test_what_was_kept_is_named_by_the_action(action: Evict | Quarantine) -> None:
    plan = replace(PLAN, actions=(action,))
    done = with_evidence(plan, {"u1": KEPT}, {POD}, REQUIRED, NOW)
    words = f"sha256:{'a' * 64} on the node n1"
    assert done.actions == (replace(action, evidence=words),)
    assert done.held == ()


def test_where_evidence_is_only_wanted_it_is_not_waited_for_for_ever() -> None:
    for later, held in ((PATIENCE - timedelta(seconds=1), 1), (PATIENCE, 0)):
        plan = with_evidence(PLAN, {"u1": ASKED}, {POD}, WANTED, NOW + later)
        assert len(plan.held) == held
    (_, evict) = plan.actions
    assert isinstance(evict, Evict)
    assert evict.evidence.startswith("none: the agent of the node n1 hasn't kept any since 2026")
    late = NOW + 10 * PATIENCE
    assert len(with_evidence(PLAN, {"u1": ASKED}, {POD}, REQUIRED, late).held) == 1
    unknown = replace(ASKED, since="")
    assert len(with_evidence(PLAN, {"u1": unknown}, {POD}, WANTED, late).held) == 1


def test_of_what_the_cluster_itself_tells_nothing_is_kept() -> None:
    assert with_evidence(PLAN, {}, set(), REQUIRED, NOW) == PLAN
    assert with_evidence(PLAN, {}, {POD}, OFF, NOW) == PLAN
