"""Makes the plan that puts a set of drifts right."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from reconciler.core.answering import pod_steps
from reconciler.core.desired import DesiredState
from reconciler.core.drift import Drift, DriftType
from reconciler.core.expected import Answer, Expected
from reconciler.core.inventory import Inventory
from reconciler.core.live import LiveState, comparable, judged_part
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Held,
    Plan,
    Quarantine,
    Recreate,
    Replace,
    keeping,
)
from reconciler.core.redact import Redaction, mask
from reconciler.core.resource import Catalog, JsonObject, ResourceKey
from reconciler.core.sealing import Seal
from reconciler.core.terms import PodAnswer


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the user allows a restore to do beyond creating and replacing.

    Attributes:
        recreate: Delete and make anew where a field can't be changed in place.
        prune: Delete what was declared once and isn't any more.
        answer: What is done with a pod that drifted.
    """

    recreate: bool = False
    prune: bool = False
    answer: PodAnswer = PodAnswer.EVICT


def make_plan(
    target: str,
    drifts: Sequence[Drift],
    desired: DesiredState,
    live: LiveState,
    answers: Mapping[ResourceKey, Answer],
    catalog: Catalog,
    inventory: Inventory,
    permissions: Permissions,
) -> Plan:
    """Orders the writes that put these drifts right; what can't be or mayn't be is held.

    Args:
        target: Whose drifts.
        drifts: What is to be put right.
        desired: What Git declares.
        live: What was read of the cluster.
        answers: What the server makes of each declaration.
        catalog: What the server serves.
        inventory: What was declared once, without which nothing is pruned.
        permissions: What may be recreated and pruned.
    """
    actions: list[Action] = []
    held: list[Held] = []
    in_pods: list[Drift] = []
    declared_kinds = _declared_kinds(desired)
    for drift in drifts:
        match drift.type:
            case DriftType.MISSING:
                step = _create(drift, desired, catalog, declared_kinds)
            case DriftType.MODIFIED | DriftType.PENDING:
                step = _correct(drift, desired, live, answers, permissions)
            case DriftType.UNMANAGED:
                step = _prune(drift, desired, live, inventory, permissions)
            case DriftType.UNREADABLE:
                step = Held(drift.key, f"its state is unknown: {drift.note}")
            case (
                DriftType.POD_SPEC
                | DriftType.FILE
                | DriftType.PROCESS
                | DriftType.SESSION
                | DriftType.PORT
            ):
                in_pods.append(drift)
                continue
            case DriftType.IMAGE:
                step = Held(drift.key, "a commit puts this right: `plumbline images --update`")
            case _:
                assert_never(drift.type)
        if isinstance(step, Held):
            held.append(step)
        else:
            actions.append(step)
    steps, left = pod_steps(in_pods, live, permissions.answer)
    actions += steps
    held += left
    ordered = tuple(sorted(actions, key=_place))
    return Plan(target, desired.revision, ordered, tuple(held), _digest(desired, ordered))


def _declared_kinds(desired: DesiredState) -> frozenset[tuple[str, str]]:
    """Gives the kinds that declared CRDs define."""
    kinds = set()
    for key, manifest in desired.resources.items():
        if key.kind == "CustomResourceDefinition":
            spec = manifest.body.get("spec") or {}
            kinds.add((str(spec.get("group")), str((spec.get("names") or {}).get("kind"))))
    return frozenset(kinds)


def _create(
    drift: Drift,
    desired: DesiredState,
    catalog: Catalog,
    declared_kinds: frozenset[tuple[str, str]],
) -> Action | Held:
    key = drift.key
    served = catalog.find(drift.api_version, key.kind) is not None
    if not served and (key.group, key.kind) not in declared_kinds:
        return Held(key, f"{drift.note}; install what defines it first")
    manifest = desired.resources[key]
    return Create(key, drift.api_version, manifest.body, bool(manifest.seals))


def _correct(
    drift: Drift,
    desired: DesiredState,
    live: LiveState,
    answers: Mapping[ResourceKey, Answer],
    permissions: Permissions,
) -> Action | Held:
    key = drift.key
    body = live.find(drift.api_version, key)
    answer = answers.get(key)
    if body is None or not isinstance(answer, Expected):
        return Held(key, "what it should be is not known")
    if body["metadata"].get("deletionTimestamp"):
        return Held(key, "it is being deleted; restore again when it is gone")
    sealed = bool(desired.seals(key))
    digest = live_digest(body, sealed=sealed)
    if answer.immutable:
        if not permissions.recreate:
            return Held(
                key,
                "a field that drifted can't be changed in place; --recreate deletes the object "
                "and makes it anew",
            )
        again = desired.resources[key].body
        return Recreate(key, drift.api_version, again, drift.changes, digest, drift.uid, sealed)
    wanted = keeping(answer.body, drift.hidden, body)
    # What isn't Git's to say goes back as it is: of a kind without a status subresource, the
    # server would take a missing status for an emptied one.
    if "status" in body:
        wanted = {**wanted, "status": body["status"]}
    return Replace(key, drift.api_version, wanted, drift.changes, digest, sealed)


def _prune(
    drift: Drift,
    desired: DesiredState,
    live: LiveState,
    inventory: Inventory,
    permissions: Permissions,
) -> Action | Held:
    key = drift.key
    if not inventory.holds(key):
        return Held(key, "it was never declared here, so it isn't ours to delete: that is for you")
    if not permissions.prune:
        return Held(key, "it was declared once; --prune deletes it")
    body = live.find(drift.api_version, key)
    if body is None:
        return Held(key, "it is gone already")
    sealed = bool(desired.seals(key))
    digest = live_digest(body, sealed=sealed)
    return Delete(key, drift.api_version, digest, drift.uid, sealed)


def live_digest(body: JsonObject, *, sealed: bool = False) -> str:
    """Gives a digest of the part of a live object that a declaration can decide, and its uid.

    It moves when anybody edits the object, not when a controller reports its status. Of a Secret,
    and of what came encrypted, it covers the resourceVersion instead: a digest without a key would
    let people try values.
    """
    metadata = body["metadata"]
    if sealed or body.get("kind") == "Secret":
        return _hash([metadata.get("uid"), metadata.get("resourceVersion")])
    return _hash([metadata.get("uid"), judged_part(body)])


def content_digest(plan: Plan, redaction: Redaction) -> str:
    """Gives a keyed digest of exactly what a plan writes, onto what: the same at any revision.

    It tells whether a plan is still the one that somebody saw, though Git has moved on by a commit
    that changes nothing of it, such as the merge that agrees to it.
    """
    return redaction.digest([[*_as_data(each), _whole(each)] for each in plan.actions])


def _whole(action: Action) -> JsonObject | None:
    match action:
        case Create(body=body) | Replace(body=body) | Recreate(body=body):
            return comparable(body)
        case Delete() | Evict() | Quarantine():
            return None
        case _:
            assert_never(action)


def _digest(desired: DesiredState, actions: Sequence[Action]) -> str:
    data = [_as_data(action, desired.seals(action.key)) for action in actions]
    return "p-" + _hash([desired.revision, data])


def _as_data(action: Action, seals: Sequence[Seal] = ()) -> list[Any]:
    key = action.key
    name = [type(action).__name__, action.api_version, key.kind, key.namespace, key.name]
    match action:
        case Create(body=body):
            return [*name, _approved(key, body, seals)]
        case Replace(body=body, live_digest=digest) | Recreate(body=body, live_digest=digest):
            return [*name, _approved(key, body, seals), digest]
        case Delete(live_digest=digest):
            return [*name, digest]
        case Evict(uid=uid) | Quarantine(uid=uid):
            # What is found in the pod meanwhile changes nothing of what a person agrees to.
            return [*name, uid]
        case _:
            assert_never(action)


def _approved(key: ResourceKey, body: JsonObject, seals: Sequence[Seal]) -> JsonObject:
    """Gives what a person approves of a body: not its status, and of a Secret only its keys.

    The revision, which the digest covers too, pins a Secret's values.
    """
    approved: JsonObject = mask(key, (), comparable(body), seals)
    return approved


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


#: In which order kinds are written: what others need comes first. After Helm's InstallOrder
#: (helm.sh/helm pkg/release/util/kind_sorter.go), with webhooks last: they may refuse the rest.
_ORDER: Mapping[str, int] = {
    kind: rank
    for rank, kinds in enumerate(
        (
            ("Namespace",),
            ("CustomResourceDefinition",),
            ("PriorityClass", "RuntimeClass", "StorageClass", "IngressClass", "CSIDriver"),
            ("NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget"),
            ("ServiceAccount", "Secret", "ConfigMap"),
            ("PersistentVolume",),
            ("PersistentVolumeClaim",),
            ("ClusterRole", "Role"),
            ("ClusterRoleBinding", "RoleBinding"),
            ("Service",),
            ("DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment"),
            ("StatefulSet", "Job", "CronJob"),
        )
    )
    for kind in kinds
}
_AFTER_WORKLOADS = len(_ORDER)
_LAST: Mapping[str, int] = {
    "Ingress": 1,
    "HorizontalPodAutoscaler": 1,
    "APIService": 2,
    "ValidatingAdmissionPolicy": 3,
    "ValidatingAdmissionPolicyBinding": 4,
    "MutatingWebhookConfiguration": 5,
    "ValidatingWebhookConfiguration": 5,
}


def _place(action: Action) -> tuple[int, int, str, str]:
    kind = action.key.kind
    rank = _ORDER.get(kind, _AFTER_WORKLOADS + _LAST.get(kind, 0))
    if isinstance(action, Evict | Quarantine):
        # Pods are made anew of what was put right before, and before anything is deleted.
        return (1, 0, kind, str(action.key))
    deletes = isinstance(action, Delete)
    # What is deleted goes last and in the reverse order.
    return (2, -rank, kind, str(action.key)) if deletes else (0, rank, kind, str(action.key))
