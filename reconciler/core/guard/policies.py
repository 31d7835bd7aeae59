"""The guard as ValidatingAdmissionPolicies and their bindings, the same for the same settings."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.guard import expressions as cel
from reconciler.core.guard.coverage import Guarded, GuardedTarget, Part
from reconciler.core.guard.objects import (
    WRITES,
    GuardObject,
    binding_object,
    break_glass_note,
    failure_policy,
    matching,
    policy_object,
)
from reconciler.core.guard.rules import Rules
from reconciler.core.guard.sessions import session_objects
from reconciler.core.resource import JsonObject
from reconciler.core.suspension import BREAK_GLASS as REASON
from reconciler.core.suspension import BREAK_GLASS_UNTIL as UNTIL

#: A policy names so many objects' files at most; beyond that, where the target is declared.
_FILES = 400
_LONGEST_NAME = 40
#: Variables that only break-glass needs.
_BREAK_GLASS: Final = frozenset({"marked", "notes", "fields", "times", "now", "before", "reason"})


def guard_objects(rules: Rules, targets: Sequence[GuardedTarget]) -> tuple[GuardObject, ...]:
    """Gives all policies, each before its bindings, in the order of the targets."""
    found = [
        each
        for target in targets
        for part in target.parts
        for each in _of_part(rules, target, part)
    ]
    return (*found, *session_objects(rules))


def label_of(target: str) -> str:
    """Gives the label's value for a target: readable, and no other target's."""
    digest = hashlib.blake2b(target.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    plain = re.sub(r"[^a-z0-9]+", "-", target.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    return f"t-{plain}" if plain == target else f"t-{plain}-{digest}".replace("--", "-")


def _of_part(rules: Rules, target: GuardedTarget, part: Part) -> Iterator[GuardObject]:
    label = label_of(target.name)
    name = f"plumbline-{label[2:]}{f'.{part.suffix}' if part.suffix else ''}"
    spec = {
        **failure_policy(rules.mode),
        "matchConstraints": matching([_rule(each) for each in part.guarded]),
        "matchConditions": _conditions(part),
        "variables": _variables(rules, target, part),
        "validations": [
            {
                "expression": "variables.writer || variables.controller || variables.breaksGlass",
                "messageExpression": _refusal(rules, target),
                "reason": "Forbidden",
            }
        ],
        "auditAnnotations": [
            break_glass_note("variables.writer || variables.controller", "variables.reason")
        ],
    }
    if not rules.group:
        del spec["auditAnnotations"]
    yield policy_object(name, label, target.name, spec)
    yield binding_object(name, name, label, target.name, rules.mode, part.namespaces)


def _conditions(part: Part) -> list[JsonObject]:
    """Leaves out dry runs, and objects of other names.

    Not by `resourceNames` of a rule: the server holds those against the name in the address, and
    whoever deletes a whole collection names none there.
    """
    writes = {"name": WRITES, "expression": cel.WRITES}
    names = {each.words[0]: each.names for each in part.guarded if each.names}
    if not names:
        return [writes]
    return [writes, {"name": "declared", "expression": cel.is_named(names)}]


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
            f" In an emergency, members of {rules.group} annotate the object with {REASON}:"
            f" the reason, and {UNTIL}: a time in UTC such as 2030-01-31T12:00:00Z."
        )
    return f"{known} + {what} + {source} + variables.file + {cel.quoted(end)}"
