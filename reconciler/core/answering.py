"""How a pod that isn't as its image or its template is put right: it is replaced, one at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from reconciler.core.drift import Drift
from reconciler.core.live import LiveState
from reconciler.core.plan import Evict, Held, Quarantine
from reconciler.core.pods import controller_of, is_over
from reconciler.core.quarantine import is_in_quarantine, serves
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.core.terms import PodAnswer

#: Whose pods have names that only one at a time can have: another isn't made while one is kept.
_NAMED = "StatefulSet"


@dataclass(frozen=True, slots=True)
class _Pods:
    """The pods of one controller.

    Attributes:
        controller: The controller's reference, as the pods have it.
        all: Its pods that aren't in quarantine, by key.
    """

    controller: Mapping[str, Any]
    all: Mapping[ResourceKey, JsonObject]

    def unready_but(self, key: ResourceKey) -> str:
        """Names a pod beside this one that isn't ready; empty where all are."""
        others = (other for other in self.all if other != key)
        return next((other.name for other in others if not _is_ready(self.all[other])), "")


def pod_steps(
    drifts: Sequence[Drift], live: LiveState, answer: PodAnswer
) -> tuple[tuple[Evict | Quarantine, ...], tuple[Held, ...]]:
    """Says which pods are replaced now, and why others aren't.

    Of one controller's pods one is replaced at a time, and none while another isn't ready.

    Args:
        drifts: Of pods, the worst first.
        live: What was read of the cluster, all pods of these controllers among it.
        answer: What is done with a pod.
    """
    steps: list[Evict | Quarantine] = []
    held: list[Held] = []
    taken: dict[str, ResourceKey] = {}
    for key, owner in {drift.key: drift.owner for drift in drifts}.items():
        step = _step(key, owner, live, answer, taken)
        if isinstance(step, Held):
            held.append(step)
        else:
            steps.append(step)
    return tuple(steps), tuple(held)


def _step(
    key: ResourceKey,
    owner: ResourceKey | None,
    live: LiveState,
    answer: PodAnswer,
    taken: dict[str, ResourceKey],
) -> Evict | Quarantine | Held:
    pod = live.find("v1", key)
    if pod is None:
        return Held(key, "it is gone already")
    pods = _siblings(pod, live)
    if owner is None or pods is None:
        return Held(key, "nothing would make it anew: no controller of a declared object owns it")
    named = str(metadata_of(pod).get("uid") or "")
    if not serves(pod, named):
        return Held(key, "it is going already")
    uid = str(pods.controller.get("uid"))
    if uid in taken:
        return Held(key, f"one pod at a time: {taken[uid].name} is replaced first")
    if unready := pods.unready_but(key):
        return Held(key, f"one pod at a time: {unready} isn't ready yet")
    match answer:
        case PodAnswer.EVICT:
            step: Evict | Quarantine = Evict(key, "v1", named, owner)
        case PodAnswer.QUARANTINE:
            if pods.controller.get("kind") == _NAMED:
                reason = "no other pod of a StatefulSet can have its name while it is kept"
                return Held(key, f"{reason}: evict it, or scale the StatefulSet down")
            step = Quarantine(key, "v1", named, owner)
        case _:
            assert_never(answer)
    taken[uid] = key
    return step


def _siblings(pod: JsonObject, live: LiveState) -> _Pods | None:
    """Gives the pods of the controller that makes this one; None where none does."""
    controller = controller_of(pod)
    if not controller:
        return None
    every = live.objects.get("v1", {})
    pods = {
        key: body
        for key, body in every.items()
        if key.kind == "Pod"
        and controller_of(body).get("uid") == controller.get("uid")
        and not is_in_quarantine(body)
        and not is_over(body)
    }
    return _Pods(controller, pods)


def _is_ready(pod: JsonObject) -> bool:
    if metadata_of(pod).get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
