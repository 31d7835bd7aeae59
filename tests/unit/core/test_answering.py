from typing import Any

import pytest

from reconciler.core.answering import pod_steps
from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.live import LiveState
from reconciler.core.plan import Evict, Held, Quarantine
from reconciler.core.quarantine import in_quarantine
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.terms import PodAnswer

WEB = ResourceKey("apps", "Deployment", "shop", "web")
EVICT, QUARANTINE = PodAnswer.EVICT, PodAnswer.QUARANTINE


def key(name: str) -> ResourceKey:
    return ResourceKey("", "Pod", "shop", name)


def drift(name: str, owner: ResourceKey | None = WEB) -> Drift:
    return Drift(f"d-{name}", DriftType.FILE, Severity.HIGH, key(name), "v1", owner=owner)


def pod(
    name: str, controller: str = "ReplicaSet", *, ready: bool = True, **metadata: Any
) -> JsonObject:
    owners: list[dict[str, Any]] = [{"kind": "Node", "uid": "n"}]
    if controller:
        owners.append({"kind": controller, "uid": f"of-{controller}", "controller": True})
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": owners, **metadata},
        "status": {"phase": "Running", "conditions": conditions},
    }


def live(*pods: JsonObject) -> LiveState:
    objects = {key(each["metadata"]["name"]): each for each in pods}
    return LiveState({"v1": {ResourceKey("", "ConfigMap", "shop", "x"): {}, **objects}})


def steps(answer: PodAnswer, state: LiveState, *drifts: Drift) -> tuple[list[Any], list[str]]:
    done, held = pod_steps(drifts, state, answer)
    assert all(isinstance(each, Held) for each in held)
    return list(done), [each.reason for each in held]


@pytest.mark.parametrize(("answer", "action"), [(EVICT, Evict), (QUARANTINE, Quarantine)])
def test_a_pod_with_many_drifts_is_replaced_once(
    answer: PodAnswer, action: type[Evict | Quarantine]
) -> None:
    assert steps(answer, live(pod("a")), drift("a"), drift("a")) == (
        [action(key("a"), "v1", "uid-a", WEB)],
        [],
    )


def test_one_pod_of_a_controller_is_replaced_at_a_time_the_worst_first() -> None:
    state = live(pod("a"), pod("b"), pod("c", "DaemonSet"))
    done, held = steps(EVICT, state, drift("b"), drift("a"), drift("c"))
    assert [each.key.name for each in done] == ["b", "c"]
    assert held == ["one pod at a time: b is replaced first"]


@pytest.mark.parametrize(
    "other",
    [
        pod("b", ready=False),
        pod("b", deletionTimestamp="2026-11-24T12:00:00Z"),
        {**pod("b"), "status": {}},
    ],
)
def test_none_is_replaced_while_another_is_not_ready(other: JsonObject) -> None:
    state = live(pod("a", ready=False), other)
    assert steps(EVICT, state, drift("a")) == ([], ["one pod at a time: b isn't ready yet"])


@pytest.mark.parametrize(
    "other",
    [
        in_quarantine(pod("b", ready=False)),
        {**pod("b"), "status": {"phase": "Failed"}},
        {**pod("b"), "status": {"phase": "Succeeded"}},
        pod("b", "DaemonSet", ready=False),
    ],
)
def test_what_does_not_serve_is_not_waited_for(other: JsonObject) -> None:
    done, held = steps(EVICT, live(pod("a", ready=False), other), drift("a"))
    assert (len(done), held) == (1, [])


def test_what_goes_already_is_left() -> None:
    going = pod("a", deletionTimestamp="2026-11-24T12:00:00Z")
    assert steps(EVICT, live(going), drift("a")) == ([], ["it is going already"])


def test_what_nothing_makes_anew_is_left() -> None:
    reason = "nothing would make it anew: no controller of a declared object owns it"
    assert steps(EVICT, live(pod("a", "")), drift("a")) == ([], [reason])
    assert steps(EVICT, live(pod("a")), drift("a", None)) == ([], [reason])
    assert steps(EVICT, live(), drift("a")) == ([], ["it is gone already"])


def test_a_pod_whose_name_no_other_can_have_is_not_kept_in_quarantine() -> None:
    state = live(pod("a", "StatefulSet"))
    done, held = steps(QUARANTINE, state, drift("a"))
    assert done == []
    assert held[0].startswith("no other pod of a StatefulSet can have its name")
    assert len(steps(EVICT, state, drift("a"))[0]) == 1
