"""What was changed of a pod after it was made, and what it was made with."""

from typing import Any

import pytest

from reconciler.core.drift import ChangeType, Drift, DriftType, Severity
from reconciler.core.ignore import IgnoreRule
from reconciler.core.path import format_path
from reconciler.core.pod_specs import PodDetection, pod_drifts
from reconciler.core.resource import JsonObject
from tests.unit.core.build import REDACTION
from tests.unit.core.running_pods import REPLICAS, WEB, body_of, found, pod, running

_LABEL: JsonObject = {"f:metadata": {"f:labels": {"f:tier": {}}}}
_IMAGE: JsonObject = {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}
_EDITED = {"labels": {"app": "web", "tier": "gold"}}


def judged(
    *pods: JsonObject,
    rules: tuple[IgnoreRule, ...] = (),
    declared: tuple[JsonObject, ...] = (WEB,),
) -> PodDetection:
    of_target = found(REPLICAS, *pods, declared=declared)
    return pod_drifts("shop", of_target, rules, None, REDACTION)


def paths(drift: Drift) -> list[str]:
    return [format_path(each.path) for each in drift.changes]


def test_a_pod_as_its_template_says_is_no_drift() -> None:
    found = judged(pod())
    assert (found.drifts, found.unproven, found.hidden) == ([], [], 0)


def test_what_somebody_set_later_is_an_edit() -> None:
    edits = (("by-hand", _IMAGE), ("by-hand", _LABEL))
    (drift,) = judged(pod(image="evil:1", edits=edits, metadata=_EDITED)).drifts
    assert (drift.type, drift.severity, drift.key.name) == (
        DriftType.POD_SPEC,
        Severity.HIGH,
        "web-1-a",
    )
    assert sorted(paths(drift)) == ["metadata.labels.tier", "spec.containers[name=web].image"]
    assert {each.by.manager for each in drift.changes if each.by} == {"by-hand"}
    assert drift.note == "of Deployment shop/web"
    assert drift.id.startswith("d-")


def test_what_admission_gave_it_is_nobodys_and_no_edit() -> None:
    injected = [{"name": "web", "image": "shop/web:1"}, {"name": "proxy", "image": "mesh:1"}]
    assert judged(pod(spec={"containers": injected})).drifts == []


@pytest.mark.parametrize("by", ["kube-controller-manager", "another-controller"])
def test_what_its_controller_gave_it_is_no_edit(by: str) -> None:
    of_controller = pod(by=by, metadata={"annotations": {"made": "so"}}, spec={"hostname": "web-0"})
    found = judged(of_controller)
    assert (found.drifts, found.unproven, found.hidden) == ([], [], 1)


def test_a_pod_that_its_controller_did_not_make_is_told() -> None:
    (drift,) = judged(pod(by="kubectl-create", image="evil:1")).drifts
    assert paths(drift) == ["spec.containers[name=web].image"]


def test_what_an_ignore_rule_explains_is_counted() -> None:
    rule = IgnoreRule("gold", "why", 'metadata.labels["tier"]', kind="Pod")
    edited = pod(edits=(("by-hand", _LABEL),), metadata=_EDITED)
    assert judged(edited, rules=(rule,)).hidden == 1
    assert judged(edited, rules=(rule,)).drifts == []
    both = pod(image="evil:1", edits=(("by-hand", {**_LABEL, **_IMAGE}),), metadata=_EDITED)
    (drift,) = judged(both, rules=(rule,)).drifts
    assert [each.rule for each in drift.hidden] == ["gold"]
    assert len(judged(edited, rules=(IgnoreRule("x", "y", "spec", kind="Job"),)).drifts) == 1


def test_a_label_that_is_gone_from_one_is_told_with_who_may_have_taken_it() -> None:
    bare = pod(metadata={"labels": {}}, edits=(("by-hand", {}),))
    (drift,) = judged(bare, pod("web-1-b")).drifts
    (change,) = drift.changes
    assert change.change is ChangeType.REMOVED
    assert [each.manager for each in change.candidates] == ["by-hand"]
    (alone,) = judged(bare).drifts
    assert paths(alone) == ["metadata.labels"] or paths(alone) == ["metadata.labels.app"]


def test_what_no_sibling_has_none_was_given() -> None:
    bare: JsonObject = {"labels": {}}
    assert judged(pod(metadata=bare), pod("web-1-b", metadata=bare)).drifts == []


def test_what_is_missing_from_a_spec_was_never_there() -> None:
    unset = pod()
    del unset["spec"]["restartPolicy"]
    assert judged(unset, pod("web-1-b")).drifts == []


def test_an_image_that_one_was_made_with_and_its_siblings_not_is_unproven() -> None:
    odd, usual = pod(image="mirror/web:1"), pod("web-1-b")
    found = judged(odd, usual)
    assert found.drifts == []
    (unproven,) = found.unproven
    assert (unproven.key.name, unproven.path) == ("web-1-a", "spec.containers[name=web].image")
    assert "admission differed" in unproven.reason
    alike = judged(odd, pod("web-1-b", image="mirror/web:1"))
    assert (alike.drifts, alike.unproven) == ([], [])
    assert judged(odd).unproven == []


def test_without_a_record_only_what_all_siblings_have_is_explained() -> None:
    odd = pod(by="", image="mirror/web:1")
    assert "managedFields are missing" in judged(odd).unproven[0].reason
    assert judged(odd, pod("web-1-b", by="", image="mirror/web:1")).unproven == []
    (unproven,) = judged(odd, pod("web-1-b", by="")).unproven
    assert "managedFields are missing" in unproven.reason


def test_a_container_that_somebody_put_in_is_always_told() -> None:
    debugger = {"name": "dbg", "image": "busybox", "env": [{"name": "TOKEN", "value": "s3same"}]}
    owns: JsonObject = {"f:spec": {"f:ephemeralContainers": {'k:{"name":"dbg"}': {".": {}}}}}
    spec = {"ephemeralContainers": [debugger]}
    (drift,) = judged(pod(spec=spec, edits=(("kubectl-debug", owns),))).drifts
    assert paths(drift) == ["spec.ephemeralContainers[name=dbg]"]
    assert drift.changes[0].by is not None
    assert "s3same" not in repr(drift)
    (unknown,) = judged(pod(spec=spec)).drifts
    assert unknown.changes[0].by is None
    odd = judged(pod(spec={"ephemeralContainers": ["odd"]})).drifts
    assert paths(odd[0]) == ["spec.ephemeralContainers[name=]"]


def test_of_a_pod_without_a_template_only_that_is_told() -> None:
    custom = body_of("example.org/v1", "Web", "custom")
    spec: Any = {"ephemeralContainers": [{"name": "dbg"}]}
    debugged = pod("custom-0", maker=custom, image="any:1", spec=spec)
    (drift,) = judged(debugged, declared=(WEB, custom)).drifts
    assert drift.note == "of Web shop/custom"
    assert paths(drift) == ["spec.ephemeralContainers[name=dbg]"]


def test_what_nothing_made_and_what_ends_is_left_to_others() -> None:
    spec: Any = {"ephemeralContainers": [{"name": "dbg"}]}
    bare, declared = pod("bare", maker=None, spec=spec), pod("declared", maker=None, spec=spec)
    ending = pod(image="evil:1", by="x", status={"phase": "Failed"})
    assert judged(bare, declared, ending, declared=(WEB, declared)).drifts == []


def test_another_digest_than_its_siblings_is_told() -> None:
    pods = [pod(f"web-1-{name}", status=running(name[0])) for name in ("aa", "ab", "ba")]
    (drift,) = judged(*pods).drifts
    assert drift.key.name == "web-1-ba"
    assert paths(drift) == ["status.containerStatuses[name=web].imageID"]
    assert (drift.changes[0].desired, drift.changes[0].live) == ("sha256:a", "sha256:b")


def test_only_what_has_moved_is_compared_again() -> None:
    one, two = pod(edits=(("by-hand", _LABEL),), metadata=_EDITED), pod("web-1-b")
    of_target = found(REPLICAS, one, two)
    first = pod_drifts("shop", of_target, (), None, REDACTION)
    again = pod_drifts("shop", of_target, (), None, REDACTION, first.compared)
    assert again.drifts == first.drifts

    def same(after: PodDetection) -> set[str]:
        return {uid for uid, each in after.compared.items() if each is first.compared[uid]}

    assert same(again) == {"uid-web-1-a", "uid-web-1-b"}
    moved = found(REPLICAS, {**one}, two)
    assert same(pod_drifts("shop", moved, (), None, REDACTION, first.compared)) == {"uid-web-1-b"}
    rules = (IgnoreRule("gold", "why", 'metadata.labels["tier"]', kind="Pod"),)
    ruled = pod_drifts("shop", of_target, rules, None, REDACTION, first.compared)
    assert (ruled.drifts, same(ruled)) == ([], set())
    remade = found({**REPLICAS}, one, two)
    assert same(pod_drifts("shop", remade, (), None, REDACTION, first.compared)) == set()


@pytest.mark.parametrize("odd", [5, "x", {"a": 1}, [5, None, "x"], None])
def test_what_a_dump_holds_in_place_of_a_pods_parts_breaks_nothing(odd: Any) -> None:
    for place in ("containers", "initContainers", "ephemeralContainers"):
        judged(pod(spec={place: odd}))
    for place in ("containerStatuses", "ephemeralContainerStatuses"):
        judged(pod(status={place: odd}))
    for place in ("ownerReferences", "labels", "annotations"):
        judged(pod(metadata={place: odd}))
    judged({**pod(), "spec": odd}, {**pod("web-1-b"), "status": odd})
