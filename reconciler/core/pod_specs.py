"""What somebody changed of a running pod since its controller made it of a template.

A pod is compared with the template that it was made of, not with the newest one: a pod of an
earlier revision isn't rolled out of yet, which is no edit. What the server, admission and the
controller put into a pod as they made it is told by managedFields: admission's additions are
nobody's (see `normalize.owned`), and the controller's own are the controller's. So whatever
somebody else is recorded for was changed later, or the pod wasn't made by its controller.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from reconciler.core.detect import differing, drift_id
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Hidden, Severity
from reconciler.core.ignore import IgnoreRule
from reconciler.core.normalize import expect
from reconciler.core.normalize.owned import CONTROL_PLANE
from reconciler.core.ownership import FieldManager, Ownership
from reconciler.core.path import Item, Path, format_path
from reconciler.core.pod_images import odd_images
from reconciler.core.pods import TargetPod, Template, items, mapping
from reconciler.core.policy import severity_of
from reconciler.core.redact import Redaction
from reconciler.core.report import Unproven
from reconciler.core.resource import JsonObject, metadata_of
from reconciler.core.schema import Node

#: Of a pod's metadata, what its controller gives each pod of its own.
_OWN: Final = frozenset({"finalizers", "generateName", "ownerReferences"})

_MADE_SO: Final = "made-so"
_MADE_SO_REASON: Final = "it is so since its controller, or admission for it, made the pod"
_NOT_ALL: Final = (
    "it is so since the pod was made, and not every pod of its revision has it: admission differed"
)
_NO_RECORD: Final = "managedFields are missing: admission may have set it as the pod was made"


@dataclass(slots=True)
class PodDetection:
    """What was found of some pods.

    Attributes:
        drifts: In the pods' order; values masked.
        unproven: What couldn't be proven.
        hidden: How many differences are explained.
        compared: By uid, each pod beside its template: given to the next look, it compares only
            what has moved.
    """

    drifts: list[Drift] = field(default_factory=list)
    unproven: list[Unproven] = field(default_factory=list)
    hidden: int = 0
    compared: dict[str, "Compared"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """A pod beside its template.

    Attributes:
        pod: The pod.
        template: Of what it was made.
        rules: Those that were asked.
        wanted: What the template makes of it.
        ownership: Who set its fields.
        makers: The programs that make pods like it.
        differences: What differs, each with the rule that explains it.
    """

    pod: TargetPod
    template: Template
    rules: Sequence[IgnoreRule]
    wanted: JsonObject
    ownership: Ownership
    makers: frozenset[str]
    differences: tuple[tuple[Change, IgnoreRule | None], ...]

    def holds(self, pod: TargetPod, template: Template, rules: Sequence[IgnoreRule]) -> bool:
        """Whether nothing has moved since: an object that was read is replaced, never changed."""
        return (
            self.pod.body is pod.body
            and self.template.maker is template.maker
            and self.template.revision == template.revision
            and self.rules == rules
        )


def pod_drifts(
    target: str,
    pods: Sequence[TargetPod],
    rules: Sequence[IgnoreRule],
    node: Node | None,
    redaction: Redaction,
    before: Mapping[str, Compared] = MappingProxyType({}),
) -> PodDetection:
    """Finds what was changed of running pods, each beside its template and its siblings.

    Args:
        target: The target's name; part of the drifts' ids.
        pods: All of the target's; those that are ending are left out.
        rules: Built-in rules and the user's that hold today.
        node: What is known of the kind Pod.
        redaction: Masks secrets.
        before: What the look before has compared, see `PodDetection.compared`.
    """
    found = PodDetection()
    odd = odd_images(pods)
    siblings: dict[str, list[Compared]] = {}
    for pod in (each for each in pods if not each.is_ending):
        if pod.template is None:
            # What nothing made is compared as what is declared, or is unmanaged as a whole.
            if pod.owner is not None and pod.owner != pod.key:
                _add(found, target, pod, tuple(_ephemeral(pod, Ownership(pod.body))), (), redaction)
            continue
        compared = before.get(pod.uid)
        if compared is None or not compared.holds(pod, pod.template, rules):
            compared = _compared(pod, pod.template, rules, node)
        found.compared[pod.uid] = compared
        siblings.setdefault(pod.template.revision, []).append(compared)
    for alike in siblings.values():
        for each in alike:
            changes, hidden = _judged(each, alike, found)
            changes = (*changes, *odd.get(each.pod.key, ()))
            _add(found, target, each.pod, changes, hidden, redaction, each)
    return found


def _compared(
    pod: TargetPod, template: Template, rules: Sequence[IgnoreRule], node: Node | None
) -> Compared:
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": dict(mapping(template.body.get("metadata"))),
        "spec": dict(mapping(template.body.get("spec"))),
    }
    live = {
        **pod.body,
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {k: v for k, v in metadata_of(pod.body).items() if k not in _OWN},
        "spec": {
            name: value
            for name, value in mapping(pod.body.get("spec")).items()
            if name != "ephemeralContainers"
        },
    }
    ownership = Ownership(pod.body)
    wanted = expect(made, live, node).body
    speaking = tuple(rule for rule in rules if rule.matches_object(pod.key))
    differences = tuple(differing(wanted, live, node, speaking, ownership))
    return Compared(pod, template, rules, wanted, ownership, _makers(template), differences)


def _judged(
    each: Compared, alike: Sequence[Compared], found: PodDetection
) -> tuple[tuple[Change, ...], tuple[Hidden, ...]]:
    """Parts what was changed by somebody from what the pod was made with."""
    changes = list(_ephemeral(each.pod, each.ownership))
    hidden: list[Hidden] = []
    others = [other for other in alike if other is not each] if each.differences else []
    for change, rule in each.differences:
        if rule is not None:
            hidden.append(Hidden(change, rule.name, rule.reason))
            continue
        edited = _edited(change, each.ownership, each.makers, others)
        if edited is not None:
            changes.append(edited)
            continue
        why = _doubt(change, each, others)
        if why:
            found.unproven.append(Unproven(each.pod.key, format_path(change.path), why))
        else:
            hidden.append(Hidden(change, _MADE_SO, _MADE_SO_REASON))
    return tuple(changes), tuple(hidden)


def _edited(
    change: Change, ownership: Ownership, makers: frozenset[str], others: Sequence[Compared]
) -> Change | None:
    """Gives a change as somebody's edit; None where the pod was made so."""
    if change.change is not ChangeType.REMOVED:
        return change if change.by is not None and change.by.manager not in makers else None
    # A pod's spec is given it as it is made, and nothing is ever taken out of it. A label may be,
    # which leaves no trace; but one that all siblings lack, too, none of them was given.
    shared = bool(others) and all(_has(other, change) for other in others)
    if change.path[0] != "metadata" or shared:
        return None
    writers = (m for m in ownership.candidates() if m.manager not in makers and not m.subresource)
    return replace(change, candidates=tuple(writers))


def _doubt(change: Change, each: Compared, others: Sequence[Compared]) -> str:
    """Says why it can't be told that a pod was made with a difference; empty where it can."""
    shared = all(_has(other, change) for other in others)
    if not each.ownership.managers:
        return "" if others and shared else _NO_RECORD
    return _NOT_ALL if not shared and _matters(each.pod, change) else ""


def _has(other: Compared, change: Change) -> bool:
    """Whether a sibling differs in the same field by the same value."""
    return any(
        (theirs.path, theirs.change, theirs.live) == (change.path, change.change, change.live)
        for theirs, _ in other.differences
    )


def _matters(pod: TargetPod, change: Change) -> bool:
    """Whether a difference is worth a word where it can't be told who made it.

    Controllers and admission give each pod a host name, volumes or an index of its own.
    """
    return severity_of(_drift(pod, (change,))) is Severity.HIGH


def _makers(template: Template) -> frozenset[str]:
    """Names the programs that make pods of a template: whoever says how its maker stands."""
    managers = Ownership(template.maker).managers
    return CONTROL_PLANE | {each.manager for each in managers if each.subresource == "status"}


def _ephemeral(pod: TargetPod, ownership: Ownership) -> Iterator[Change]:
    """Gives the containers that somebody put into a running pod: no template can have any."""
    for container in items(mapping(pod.body.get("spec")).get("ephemeralContainers")):
        name = str(mapping(container).get("name") or "")
        path: Path = ("spec", "ephemeralContainers", Item((("name", name),)))
        by: FieldManager | None = ownership.owner(path, container)
        yield Change(
            path, ChangeType.ADDED, None, container, by, last_changed=by.time if by else ""
        )


def _add(
    found: PodDetection,
    target: str,
    pod: TargetPod,
    changes: Iterable[Change],
    hidden: Sequence[Hidden],
    redaction: Redaction,
    compared: Compared | None = None,
) -> None:
    wanted: Any = compared.wanted if compared else None
    masked = tuple(redaction.change(pod.key, each, wanted, pod.body) for each in changes)
    found.hidden += len(hidden)
    if masked:
        kept = tuple(
            replace(each, change=redaction.change(pod.key, each.change, wanted, pod.body))
            for each in hidden
        )
        drift = replace(_drift(pod, masked), hidden=kept)
        found.drifts.append(replace(drift, id=drift_id(target, drift), severity=severity_of(drift)))


def _drift(pod: TargetPod, changes: tuple[Change, ...]) -> Drift:
    return Drift(
        id="",
        type=DriftType.POD_SPEC,
        severity=Severity.MEDIUM,
        key=pod.key,
        api_version="v1",
        uid=pod.uid,
        source=pod.source,
        changes=changes,
        note=_whose(pod),
        owner=pod.owner,
    )


def _whose(pod: TargetPod) -> str:
    return f"of {pod.owner}" if pod.owner is not None and pod.owner != pod.key else ""
