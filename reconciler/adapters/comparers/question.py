"""One question to the server: what would you make of this declaration?

A dry-run replace is the exact question. Where the server refuses it, a dry-run create under
another name is the next best; where it refuses that too, local reasoning answers, and says so.
"""

import secrets
from dataclasses import dataclass, replace

from reconciler.core.desired import Manifest
from reconciler.core.diff import differences, same
from reconciler.core.drift import ChangeType
from reconciler.core.errors import Rejected
from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.ownership import Ownership
from reconciler.core.path import value_at, with_value
from reconciler.core.resource import JsonObject, ResourceKind
from reconciler.ports import Writer

_BAD_REQUEST = 400
_FORBIDDEN = 403
_CONFLICT = 409
_INVALID = 422
_VERSION = "resourceVersion"

#: Kinds of which an update without some fields keeps what they were (kubernetes
#: pkg/registry/core/service/storage/alloc.go and strategy.go, patchAllocatedValues): an answer
#: about them repeats what somebody set by hand.
_KEEPS_SPEC = frozenset({("", "Service"), ("", "PersistentVolumeClaim")})

#: Kinds of which most fields can't be changed, also not to nothing: a replacement must repeat what
#: the server filled in at creation (kubernetes pkg/apis/batch/validation, ValidateJobUpdate;
#: pkg/apis/core/validation, ValidatePodUpdate).
_MADE_ONCE = frozenset({("batch", "Job"), ("", "Pod")})

#: Kinds whose names say what they are: another name would be another, impossible thing.
_NAMED_BY_CONTENT = frozenset({"CustomResourceDefinition", "APIService"})


@dataclass(frozen=True, slots=True)
class Question:
    """A declaration, and the live object that it is about.

    Attributes:
        kind: As the server serves it.
        manifest: What is declared.
        live: What is there.
        local: What local reasoning expects.
    """

    kind: ResourceKind
    manifest: Manifest
    live: JsonObject
    local: Expected


def ask(dry_runs: Writer, question: Question) -> tuple[Expected, bool]:
    """Asks the server by a dry run, and where it refuses that by another.

    Returns:
        What it would make of the declaration, and whether that is the server's own answer (and
        so worth keeping) or local reasoning's.

    Raises:
        ClusterError: The server couldn't be reached.
    """
    try:
        return _of_replacement(question, comparable(_replaced(dry_runs, question))), True
    except Rejected as rejected:
        refused = rejected
    if refused.code in (_FORBIDDEN, _INVALID) and question.kind.kind not in _NAMED_BY_CONTENT:
        try:
            answer = dry_runs.create(question.kind, _as_new(question))
            return _of_creation(question, comparable(answer), refused), True
        except Rejected as rejected:
            # The first refusal says more: the second is about a name that nobody asked for.
            if refused.code == _FORBIDDEN:
                refused = rejected
    return _locally(question, refused), False


def _replaced(dry_runs: Writer, question: Question) -> JsonObject:
    body = _as_replacement(question)
    try:
        return dry_runs.replace(question.kind, body)
    except Rejected as rejected:
        if rejected.code != _CONFLICT:
            raise
    # It moved since it was read, as an object does whose status is written all the time. Most
    # kinds can be replaced whatever version they are at.
    metadata = {name: value for name, value in body["metadata"].items() if name != _VERSION}
    return dry_runs.replace(question.kind, {**body, "metadata": metadata})


def _as_replacement(question: Question) -> JsonObject:
    live = question.live["metadata"]
    made_once = (question.kind.group, question.kind.kind) in _MADE_ONCE
    body = question.local.body if made_once else question.manifest.body
    metadata = {**body["metadata"], "name": live["name"]}
    metadata[_VERSION] = live[_VERSION]
    return {**body, "metadata": metadata}


def _as_new(question: Question) -> JsonObject:
    # Not the live object's name: that would be refused as taken before anything else is looked at.
    metadata = {k: v for k, v in question.manifest.body["metadata"].items() if k != "generateName"}
    metadata["name"] = f"plumbline-{secrets.token_hex(6)}"
    return {**question.manifest.body, "metadata": metadata}


def _of_replacement(question: Question, answer: JsonObject) -> Expected:
    if (question.kind.group, question.kind.kind) in _KEEPS_SPEC:
        ownership = Ownership(question.live)
        # From the last to the first: what is taken from a list moves the members behind it.
        for found in reversed(differences(question.local.body, answer, None)):
            kept = found.change is ChangeType.ADDED and found.path[0] == "spec"
            if kept and ownership.owner(found.path, found.live) is not None:
                answer = with_value(answer, found.path, None)
    return Expected(answer)


def _of_creation(question: Question, answer: JsonObject, refused: Rejected) -> Expected:
    """Takes over from the live object what a new one would have got anew."""
    live = question.live["metadata"]
    body = with_value(answer, ("metadata", "name"), live["name"])
    body = with_value(body, ("metadata", "generateName"), live.get("generateName"))
    for path in question.local.carried:
        body = with_value(body, path, value_at(question.live, path))
    immutable = refused.code == _INVALID and not same(body, comparable(question.live))
    return Expected(body, carried=question.local.carried, immutable=immutable)


def _locally(question: Question, refused: Rejected) -> Expected:
    if refused.code == _FORBIDDEN:
        why = "no right to ask the server by a dry run"
    elif refused.code == _BAD_REQUEST:
        why = "the server can't dry-run it (an admission webhook with side effects?)"
    else:
        said = refused.unquoted if question.manifest.seals else refused.message
        why = f"the server refuses what Git declares: {said}"
    return replace(question.local, note=f"compared by local reasoning: {why}")
