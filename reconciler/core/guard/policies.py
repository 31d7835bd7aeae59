"""The guard as ValidatingAdmissionPolicies and their bindings, the same for the same settings.

All that the API server would fill in is written out, so that what is live can be held against it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.core.guard import expressions as cel
from reconciler.core.guard.coverage import Guarded, GuardedTarget, Part
from reconciler.core.guard.subjects import Controller, Sender, Subject
from reconciler.core.resource import JsonObject, ResourceKey

GROUP: Final = "admissionregistration.k8s.io"
API: Final = f"{GROUP}/v1"
POLICY: Final = "ValidatingAdmissionPolicy"
BINDING: Final = "ValidatingAdmissionPolicyBinding"

#: By which all policies and bindings of ours are found.
LABEL: Final = "plumbline.dev/guard"
#: In the label's place, that of the policy of sessions; no target's, which begin with `t-`.
SESSIONS: Final = "sessions"
_TARGET: Final = "plumbline.dev/guard-target"

#: A policy names so many objects' files at most; beyond that, where the target is declared.
_FILES = 400
_LONGEST_NAME = 40
#: Variables that only break-glass needs.
_BREAK_GLASS: Final = frozenset({"marked", "notes", "fields", "times", "now", "before", "reason"})
_SESSION_KINDS: Final = ("pods/exec", "pods/attach", "pods/portforward")
_NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"


class Mode(StrEnum):
    """What is done about a request that isn't allowed."""

    WARN = "warn"
    AUDIT = "audit"
    DENY = "deny"


#: The API server has no Warn beside a Deny: a refusal says it all.
_ACTIONS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.WARN: ("Warn", "Audit"),
    Mode.AUDIT: ("Audit",),
    Mode.DENY: ("Deny", "Audit"),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what, for all targets.

    Attributes:
        mode: What is done about other writes.
        allowed: Who may write any target: Plumbline's own account, operators.
        deployers: By target's name, who applies what it declares.
        controllers: Kubernetes' own controllers.
        ask: A sentence for who is refused.
        group: The break-glass group; empty for none.
        seconds: For how long it lasts at most.
        sessions: By namespace, what is done about sessions.
        entering: Who may enter containers all the same.
    """

    mode: Mode
    allowed: tuple[Subject, ...]
    deployers: Mapping[str, tuple[Subject, ...]]
    controllers: tuple[Controller, ...]
    ask: str = ""
    group: str = ""
    seconds: int = 0
    sessions: Mapping[str, Mode] | None = None
    entering: tuple[Subject, ...] = ()

    def writers(self, target: str) -> tuple[Subject, ...]:
        """Gives who may write all of a target."""
        always = [each.subject for each in self.controllers if "*" in each.resources]
        return tuple(sorted({*self.allowed, *self.deployers.get(target, ()), *always}))

    def admits(self, target: str, sender: Sender, resource: str) -> bool:
        """Whether somebody may write a resource of a target, break-glass aside.

        The same as the policies say; tests hold it against the API server.
        """
        if sender.is_any(self.writers(target)):
            return True
        own = (each for each in self.controllers if each.may_write(resource))
        return sender.is_any([each.subject for each in own])


@dataclass(frozen=True, slots=True)
class GuardObject:
    """A policy or a binding.

    Attributes:
        body: The whole object.
        mode: What a binding does; None for a policy.
    """

    body: JsonObject
    mode: Mode | None = None

    @property
    def key(self) -> ResourceKey:
        """Which object it is."""
        return ResourceKey(GROUP, str(self.body["kind"]), "", str(self.body["metadata"]["name"]))


def guard_objects(rules: Rules, targets: Sequence[GuardedTarget]) -> tuple[GuardObject, ...]:
    """Gives all policies, each before its bindings, in the order of the targets."""
    found = [
        each
        for target in targets
        for part in target.parts
        for each in _of_part(rules, target, part)
    ]
    return (*found, *_of_sessions(rules))


def with_mode(each: GuardObject, mode: Mode) -> GuardObject:
    """Gives a policy or binding as it is in another mode."""
    spec = each.body["spec"]
    changed = _head(mode) if each.mode is None else {"validationActions": list(_ACTIONS[mode])}
    return GuardObject(
        {**each.body, "spec": {**spec, **changed}}, None if each.mode is None else mode
    )


def label_of(target: str) -> str:
    """Gives the label's value for a target: readable, and no other target's."""
    digest = hashlib.blake2b(target.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    plain = re.sub(r"[^a-z0-9]+", "-", target.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    return f"t-{plain}" if plain == target else f"t-{plain}-{digest}".replace("--", "-")


def _of_part(rules: Rules, target: GuardedTarget, part: Part) -> Iterator[GuardObject]:
    label = label_of(target.name)
    name = f"plumbline-{label[2:]}{f'.{part.suffix}' if part.suffix else ''}"
    spec = {
        **_head(rules.mode),
        "matchConstraints": _matching([_rule(each) for each in part.guarded]),
        **_conditions(part),
        "variables": _variables(rules, target, part),
        "validations": [
            {
                "expression": "variables.writer || variables.controller || variables.breaksGlass",
                "messageExpression": _refusal(rules, target),
                "reason": "Forbidden",
            }
        ],
        "auditAnnotations": [
            _break_glass_note("variables.writer || variables.controller", "variables.reason")
        ],
    }
    if not rules.group:
        del spec["auditAnnotations"]
    metadata = _metadata(name, label, target.name)
    yield GuardObject({"apiVersion": API, "kind": POLICY, "metadata": metadata, "spec": spec})
    yield _binding(name, name, label, target.name, rules.mode, part.namespaces)


def _head(mode: Mode) -> JsonObject:
    # What only records must never stand in the way, even where an expression fails.
    return {"failurePolicy": "Fail" if mode is Mode.DENY else "Ignore"}


def _matching(rules: Sequence[JsonObject]) -> JsonObject:
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": list(rules),
    }


def _conditions(part: Part) -> JsonObject:
    """Leaves out objects of other names.

    Not by `resourceNames` of a rule: the server holds those against the name in the address, and
    whoever deletes a whole collection names none there.
    """
    names = {each.words[0]: each.names for each in part.guarded if each.names}
    if not names:
        return {}
    return {"matchConditions": [{"name": "declared", "expression": cel.is_named(names)}]}


def _rule(guarded: Guarded) -> JsonObject:
    return {
        "apiGroups": [guarded.group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": list(guarded.resources),
        "scope": "*",
    }


def _variables(rules: Rules, target: GuardedTarget, part: Part) -> list[JsonObject]:
    own = {
        word: [
            each.subject
            for each in rules.controllers
            if "*" not in each.resources and each.may_write(word)
        ]
        for word in part.words
    }
    found = {
        "groups": cel.GROUPS,
        "plain": cel.PLAIN,
        "resource": cel.RESOURCE,
        "name": cel.NAME,
        "place": cel.PLACE,
        "file": _file(target, part),
        "writer": cel.is_any(rules.writers(target.name)),
        "controller": cel.is_any_of(own),
        "marked": cel.MARKED,
        "notes": cel.NOTES,
        "fields": cel.FIELDS,
        "times": cel.TIMES,
        "now": cel.NOW,
        "before": cel.BEFORE,
        "reason": cel.SAID,
        "breaksGlass": cel.breaks_glass(rules.group, rules.seconds),
    }
    if not rules.group:
        found = {name: text for name, text in found.items() if name not in _BREAK_GLASS}
    return [{"name": name, "expression": text} for name, text in found.items()]


def _file(target: GuardedTarget, part: Part) -> str:
    """Finds the file that declares an object; not its line, which every commit may change."""
    plain = {each.words[0] for each in part.guarded}
    names = {f"{each.words[0]} {name}" for each in part.guarded for name in each.names}
    found = {
        place: file
        for place, file in sorted(target.files.items())
        if (place in names if names else place.partition(" ")[0] in plain)
    }
    return "''" if not found or len(found) > _FILES else cel.looked_up(found)


def _refusal(rules: Rules, target: GuardedTarget) -> str:
    known = "request.userInfo.username + ' may not ' + request.operation.lowerAscii()"
    what = "' ' + variables.resource + ' ' + variables.name + variables.place"
    source = cel.quoted(f": target {target.name} is declared in {target.source}")
    end = ". Change it there, and it is rolled out."
    if rules.ask:
        end += f" {rules.ask.strip()}"
    if rules.group:
        end += (
            f" In an emergency, members of {rules.group} annotate the object with {cel.REASON}:"
            f" the reason, and {cel.UNTIL}: a time in UTC such as 2030-01-31T12:00:00Z."
        )
    return f"{known} + {what} + {source} + variables.file + {cel.quoted(end)}"


def _break_glass_note(otherwise: str, reason: str) -> JsonObject:
    """Has the audit log say who broke the glass, and why."""
    return {
        "key": "break-glass",
        "valueExpression": (
            f"!({otherwise}) && variables.breaksGlass ? request.userInfo.username + ': ' + "
            f"{reason} : ''"
        ),
    }


def _binding(
    name: str, policy: str, label: str, target: str, mode: Mode, namespaces: Sequence[str]
) -> GuardObject:
    chosen = {"key": _NAMESPACE_LABEL, "operator": "In", "values": sorted(namespaces)}
    spec: JsonObject = {
        "policyName": policy,
        "matchResources": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [chosen]} if namespaces else {},
            "objectSelector": {},
        },
        "validationActions": list(_ACTIONS[mode]),
    }
    metadata = _metadata(name, label, target)
    body = {"apiVersion": API, "kind": BINDING, "metadata": metadata, "spec": spec}
    return GuardObject(body, mode)


def _metadata(name: str, label: str, target: str) -> JsonObject:
    labels = {"app.kubernetes.io/managed-by": "plumbline", LABEL: label}
    return {
        "name": name,
        "labels": labels,
        **({"annotations": {_TARGET: target}} if target else {}),
    }


def _of_sessions(rules: Rules) -> Iterator[GuardObject]:
    """Gives the policy about exec, attach, port-forward and ephemeral containers."""
    by_mode: dict[Mode, list[str]] = {}
    for namespace, mode in (rules.sessions or {}).items():
        by_mode.setdefault(mode, []).append(namespace)
    if not by_mode:
        return
    name = f"plumbline.{SESSIONS}"
    strictest = Mode.DENY if Mode.DENY in by_mode else Mode.AUDIT
    spec = {
        **_head(strictest),
        "matchConstraints": _matching(
            [
                _session_rule("CONNECT", _SESSION_KINDS),
                _session_rule("UPDATE", ("pods/ephemeralcontainers",)),
            ]
        ),
        "variables": [
            {"name": "groups", "expression": cel.GROUPS},
            {"name": "name", "expression": cel.NAME},
            {"name": "place", "expression": cel.PLACE},
            {"name": "entering", "expression": cel.is_any(rules.entering)},
            {"name": "breaksGlass", "expression": _in_group(rules)},
        ],
        "validations": [
            {
                "expression": "variables.entering || variables.breaksGlass",
                "messageExpression": _session_refusal(rules),
                "reason": "Forbidden",
            }
        ],
        "auditAnnotations": [_break_glass_note("variables.entering", "request.subResource")],
    }
    metadata = _metadata(name, SESSIONS, "")
    yield GuardObject({"apiVersion": API, "kind": POLICY, "metadata": metadata, "spec": spec})
    for mode, namespaces in sorted(by_mode.items()):
        yield _binding(f"{name}.{mode}", name, SESSIONS, "", mode, namespaces)


def _session_rule(operation: str, resources: Sequence[str]) -> JsonObject:
    return {
        "apiGroups": [""],
        "apiVersions": ["*"],
        "operations": [operation],
        "resources": list(resources),
        "scope": "*",
    }


def _in_group(rules: Rules) -> str:
    return cel.is_any([Subject(rules.group, is_group=True)]) if rules.group else "false"


def _session_refusal(rules: Rules) -> str:
    end = ": nobody enters containers here. What must change is changed in Git."
    end += f" {rules.ask.strip()}" if rules.ask else ""
    end += f" In an emergency, members of {rules.group} may." if rules.group else ""
    what = "request.subResource + ' into pod ' + variables.name + variables.place"
    return f"request.userInfo.username + ' may not ' + {what} + {cel.quoted(end)}"
