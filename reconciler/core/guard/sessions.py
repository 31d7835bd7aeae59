"""The policy about exec, attach, port-forward and ephemeral containers."""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.guard import expressions as cel
from reconciler.core.guard.objects import (
    GuardObject,
    binding_object,
    break_glass_note,
    failure_policy,
    matching,
    policy_object,
)
from reconciler.core.guard.rules import Mode, Rules
from reconciler.core.guard.subjects import Subject
from reconciler.core.resource import JsonObject

#: In the label's place; no target's, which begin with `t-`.
SESSIONS: Final = "sessions"
_SESSION_KINDS: Final = ("pods/exec", "pods/attach", "pods/portforward")


def session_objects(rules: Rules) -> Iterator[GuardObject]:
    """Gives the policy about exec, attach, port-forward and ephemeral containers."""
    by_mode: dict[Mode, list[str]] = {}
    for namespace, mode in (rules.sessions or {}).items():
        by_mode.setdefault(mode, []).append(namespace)
    if not by_mode:
        return
    name = f"plumbline.{SESSIONS}"
    strictest = Mode.DENY if Mode.DENY in by_mode else Mode.AUDIT
    spec = {
        **failure_policy(strictest),
        "matchConstraints": matching(
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
        "auditAnnotations": [break_glass_note("variables.entering", "request.subResource")],
    }
    yield policy_object(name, SESSIONS, "", spec)
    for mode, namespaces in sorted(by_mode.items()):
        yield binding_object(f"{name}.{mode}", name, SESSIONS, "", mode, namespaces)


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
