"""Reads a refusal: a Status object's own words quote values, so they are mostly not repeated.

Which words are safe: RBAC's (they name user, verb and kind), and, but for a Secret, those of an
admission plug-in or webhook, which nobody else can explain. Invalid and BadRequest quote what was
sent; of them only field paths and types are taken.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import Rejected
from reconciler.core.resource import ResourceKey, ResourceKind

_BAD_REQUEST = 400
_FORBIDDEN = 403
_CONFLICT = 409
_INVALID = 422
_TOO_MANY = 429
#: How a disruption budget refuses (kubernetes pkg/registry/core/pod/storage/eviction.go).
_BUDGET = re.compile(r"Cannot evict pod as it would violate the pod's disruption budget\.?")
_RBAC = re.compile(r"\bcannot \w+ resource\b")
_UNCALLED = re.compile(r"\bfailed (?:calling|to call) webhook\b")
_ADMISSION = re.compile(
    r"\b(?:admission webhook|failed calling webhook|failed to call webhook"
    r"|ValidatingAdmissionPolicy '[^']*' with binding)\b"
)
_ADMISSION_NAME = re.compile(r"""(webhook "[^"]{1,253}"|ValidatingAdmissionPolicy '[^']{1,253}')""")
_WRONG_TYPE = re.compile(
    r"cannot unmarshal (\w+)(?: \S+)? into Go struct field (\S+) of type (\S+)"
)
#: Words for causes' reasons (k8s.io/apimachinery/pkg/apis/meta/v1/types.go, CauseType).
_CAUSES = {
    "FieldValueDuplicate": "is there twice",
    "FieldValueForbidden": "may not be set so",
    "FieldValueInvalid": "has an invalid value",
    "FieldValueNotFound": "names something that isn't there",
    "FieldValueNotSupported": "has a value that isn't supported",
    "FieldValueRequired": "is required",
    "FieldValueTooLong": "is too long",
    "FieldValueTooMany": "has too many items",
    "FieldValueTypeInvalid": "has a value of the wrong type",
}
#: What other refusals mean, and what to do.
_PLAIN = {
    404: ("it isn't there, or its namespace isn't", "look again; create the namespace"),
    405: ("the server doesn't offer this for its kind", "leave it to whoever makes it"),
    409: ("it was changed meanwhile", "look again, and decide on what is there now"),
    413: ("it is too large for the server", "split it"),
}
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried, for the message.

    Attributes:
        verb: As RBAC names it, such as `update`.
        kind: Of which kind.
        key: On which object.
    """

    verb: str
    kind: ResourceKind
    key: ResourceKey


def rejected(attempt: Attempt, answer: Answer) -> Rejected:
    """Makes the error of a refusal; without any value that was sent."""
    status = answer.json()
    status = status if isinstance(status, Mapping) else {}
    reason = str(status.get("reason") or "")
    causes = _causes(status)
    text, fix = _explained(attempt, answer.status, str(status.get("message") or ""), causes)
    fields = tuple(dict.fromkeys(field for field, _ in causes))
    return Rejected(
        f"{attempt.key}: {text}", code=answer.status, reason=reason, fields=fields, fix=fix
    )


def why_refused(answer: Answer) -> str:
    """Gives the safe part of a refusal that is about no particular object, such as a LIST's."""
    status = answer.json()
    message = str(status.get("message") or "") if isinstance(status, Mapping) else ""
    if answer.status == _FORBIDDEN and _RBAC.search(message):
        return _shortened(message)
    reason = str(status.get("reason") or "") if isinstance(status, Mapping) else ""
    return f"the server answered {answer.status} {reason}".rstrip()


def is_webhook_refusal(answer: Answer) -> bool:
    """Whether a webhook couldn't be called: then nothing was written, for all that it's a 500."""
    status = answer.json()
    return isinstance(status, Mapping) and bool(_UNCALLED.search(str(status.get("message") or "")))


def grant(verb: str, kind: ResourceKind, namespace: str) -> str:
    """Says which right is missing."""
    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    where = f"in namespace {namespace}" if namespace else "in the whole cluster"
    return f"grant {verb} on {resource} {where}"


def _causes(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    found = []
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, Mapping) and cause.get("field"):
            what = _CAUSES.get(str(cause.get("reason")), "is refused")
            if "field is immutable" in str(cause.get("message") or ""):
                what = "can't be changed once the object is there"
            found.append((str(cause["field"]), what))
    return found


def _explained(
    attempt: Attempt, code: int, message: str, causes: list[tuple[str, str]]
) -> tuple[str, str]:
    """Gives what is wrong, and what to do."""
    if code == _FORBIDDEN and _RBAC.search(message):
        return _shortened(message), grant(attempt.verb, attempt.kind, attempt.key.namespace)
    if _ADMISSION.search(message) or code == _FORBIDDEN:
        return _by_admission(attempt, message, causes), "satisfy that rule, or ask who made it"
    if code == _INVALID:
        listed = "; ".join(dict.fromkeys(f"{field} {what}" for field, what in causes))
        return f"invalid: {listed or 'some field'}", "correct these fields in Git"
    if code == _BAD_REQUEST:
        wrong = _WRONG_TYPE.search(message)
        if wrong:
            text = f"{wrong[2]} must be {wrong[3]}, not {wrong[1]}"
            return text, "correct this field in Git"
        return "the server can't read what was sent", "validate the manifest with kubectl"
    if code == _TOO_MANY and (budget := _BUDGET.search(message)):
        return _shortened(budget[0]), "it is tried again: let its other pods become ready"
    if code == _CONFLICT and "already exists" in message:
        return "it exists already", "look again"
    return _PLAIN.get(code, (f"the server answered {code}", "look at the API server's log"))


def _by_admission(attempt: Attempt, message: str, causes: list[tuple[str, str]]) -> str:
    """Gives an admission plug-in's or webhook's own words, but for a Secret, which it may quote."""
    if (attempt.kind.group, attempt.kind.kind) != ("", "Secret") and message:
        return _shortened(message)
    named = _ADMISSION_NAME.search(message)
    by = f"the admission {named[1]}" if named else "an admission rule"
    listed = ", ".join(field for field, _ in causes)
    return f"refused by {by}{f': {listed}' if listed else ''}"


def _shortened(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
