"""What registries say, joined with what else was found."""

from datetime import timedelta

from reconciler.core.detect import Detection
from reconciler.core.drift import DriftType, Severity
from reconciler.core.image_drifts import with_images
from reconciler.core.images.facts import Answers
from reconciler.core.images.judging import judge
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.report import ImageReport
from reconciler.core.images.summing import summed
from tests.unit.core.test_images_judging import DOWN, NOW, WEB, A, B, answers, container, facts, use

AT = "2026-11-24T12:00:00Z"
NOTHING = Detection((), {}, (), 0)
POLICIES = [ImagePolicy("p", max_age=timedelta(days=3))]


def report(told: Answers) -> ImageReport:
    entries = judge("shop", [use(container())], told, POLICIES, [], NOW)
    return summed(
        target="shop",
        revision="4f0c",
        checked_at=AT,
        entries=entries,
        unread=(),
        scans=(),
        notes=(),
    )


def test_what_is_stale_is_drift_of_its_workload() -> None:
    told = report(answers({"1.2.0": facts(B, 1), A: facts(A, 9)}))
    found = with_images(NOTHING, told)
    assert {drift.type for drift in found.drifts} == {DriftType.IMAGE}
    drifts = {drift.image.rule: drift for drift in found.drifts if drift.image}
    assert set(drifts) == {"moved", "old"}
    moved = drifts["moved"]
    assert (moved.key, moved.owner, moved.uid, moved.api_version) == (WEB, WEB, "u", "apps/v1")
    assert moved.note.startswith("app: tag 1.2.0 is sha256:bbb")
    assert moved.image is not None
    assert (moved.image.container, moved.image.running) == ("app", (A,))
    assert moved.image.latest.endswith(f"web:1.2.0@{B}")
    assert moved.image.age == 9 * 86400
    assert {drift.id for drift in found.drifts} == {
        each.id for entry in told.entries for each in entry.drifts
    }
    assert moved.severity in Severity
    assert found.insight is not None
    assert found.insight.unlisted == frozenset()


def test_what_a_registry_cannot_tell_is_not_gone() -> None:
    before = with_images(NOTHING, report(answers({"1.2.0": facts(A, 9)})))
    assert [drift.image.rule for drift in before.drifts if drift.image] == ["old"]
    found = with_images(NOTHING, report(answers({"1.2.0": DOWN, A: DOWN})))
    assert found.drifts == ()
    (unproven,) = found.unproven
    assert (unproven.key, unproven.path) == (WEB, "containers[name=app].image")
    assert found.insight is not None
    assert {drift.id for drift in before.drifts} <= found.insight.unlisted
