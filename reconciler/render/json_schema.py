"""The JSON schemas of a report's and a notice's documents, from one description of their fields.

Unknown fields are for readers to ignore, so the schema allows them (DESIGN, section 6).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from reconciler.core.drift import ChangeType, DecisionAction, DriftType, Severity
from reconciler.core.history import EventType
from reconciler.core.notices import Standing
from reconciler.core.outcome import OutcomeType
from reconciler.core.report import Comparison
from reconciler.core.resource import JsonObject
from reconciler.render.document import REPORT
from reconciler.render.notice_documents import NOTICE

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `report_document` makes."""
    return {
        "$schema": _DIALECT,
        "$id": f"https://{REPORT}",
        "title": "A Plumbline report",
        "description": "One look at one target: what was read, what drifted, what was done.",
        **_object(_REPORT),
        "$defs": {name: _object(fields) for name, fields in _PARTS.items()},
    }


def notice_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `notice_document` makes."""
    return {
        "$schema": _DIALECT,
        "$id": f"https://{NOTICE}",
        "title": "A Plumbline notice",
        "description": "What people are told: one drift as it stands, or many that began together.",
        **_object(_NOTICE),
        "$defs": {name: _object(fields) for name, fields in _NOTICE_PARTS.items()},
    }


def _object(fields: Mapping[str, JsonObject]) -> JsonObject:
    """Describes an object; fields that may be missing are marked as `_optional`."""
    return {
        "type": "object",
        "required": [name for name, field in fields.items() if not field.get(_OPTIONAL)],
        "properties": {
            name: {key: value for key, value in field.items() if key != _OPTIONAL}
            for name, field in fields.items()
        },
    }


_OPTIONAL: Final = "optional"


def _optional(field: JsonObject) -> JsonObject:
    return {**field, _OPTIONAL: True}


def _text(meaning: str) -> JsonObject:
    return {"type": "string", "description": meaning}


def _maybe_text(meaning: str) -> JsonObject:
    return {"type": ["string", "null"], "description": meaning}


def _texts(meaning: str) -> JsonObject:
    return {"type": "array", "items": {"type": "string"}, "description": meaning}


def _time(meaning: str) -> JsonObject:
    return {"type": "string", "description": f"{meaning}; RFC 3339."}


def _maybe_time(meaning: str) -> JsonObject:
    return {"type": ["string", "null"], "description": f"{meaning}; RFC 3339."}


def _count(meaning: str) -> JsonObject:
    return {"type": "integer", "minimum": 0, "description": meaning}


def _choice(choices: type[StrEnum], meaning: str) -> JsonObject:
    return {"enum": [choice.value for choice in choices], "description": meaning}


def _truth(meaning: str) -> JsonObject:
    return {"type": "boolean", "description": meaning}


def _any(meaning: str) -> JsonObject:
    return {"description": meaning}


def _part(name: str, meaning: str) -> JsonObject:
    return {"$ref": f"#/$defs/{name}", "description": meaning}


def _maybe_part(name: str, meaning: str) -> JsonObject:
    return {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}], "description": meaning}


def _list(name: str, meaning: str) -> JsonObject:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}, "description": meaning}


_REPORT: Final[Mapping[str, JsonObject]] = {
    "schema": {"const": REPORT, "description": "The version of this format."},
    "target": _text("The target's name."),
    "revision": _text("What Git says: a commit's hash, or sha256: and a digest for a folder."),
    "checkedAt": _time("When the look was made"),
    "comparison": _choice(
        Comparison, "Whether the server was asked what it makes of the declaration."
    ),
    "summary": _part("summary", "The counts."),
    "requests": _part("requests", "What the look cost the API server."),
    "drifts": _list("drift", "What isn't as declared, the worst first."),
    "unproven": _list("unproven", "What the comparison could not prove."),
    "outcomes": _list("done", "What became of each action; empty where nothing was to be done."),
    "notes": _texts("What a reader should know, such as what was not looked at."),
}

_CHANGE: Final[Mapping[str, JsonObject]] = {
    "path": _text("The field, list items by their merge keys."),
    "change": _choice(ChangeType, "Seen from Git to live."),
    "desired": _any("What Git wants, with the server's defaults; null where it has none."),
    "live": _any("What is live; null where there is none."),
    "by": _maybe_part("manager", "Who set the live value; null where that isn't known."),
    "candidates": _optional(_list("manager", "Who may have done it, the latest first.")),
    "lastChanged": _optional(_maybe_time("When the object was last written")),
    "digest": _optional(_part("digest", "Set where the values are masked.")),
    "actor": _optional(_part("actor", "Who really did it, where the request was witnessed.")),
}

_PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "summary": {
        "resources": _count("Objects looked at: declared ones, and unmanaged ones."),
        "inSync": _count("Objects that are as declared."),
        "drifted": _count("Objects that aren't."),
        "unreadable": _count("Objects that could not be read."),
        "hidden": _count("Differences that rules explain."),
    },
    "requests": {
        "list": _count("LISTs, one a kind and scope."),
        "get": _count("Reads of single objects and of discovery."),
        "dryRun": _count("Writes that only asked."),
        "write": _count("Writes."),
    },
    "drift": {
        "id": _text("The same while the drift lasts, whoever looks."),
        "type": _choice(DriftType, "Which kind of drift."),
        "severity": _choice(Severity, "How much it matters."),
        "firstSeen": _maybe_time("When it was first seen"),
        "resource": _part("resource", "The object."),
        "source": _maybe_part("source", "Where it is declared; null for an unmanaged object."),
        "note": _maybe_text("What a reader must know, such as why it could not be read."),
        "by": _maybe_part("manager", "Who made an unmanaged object."),
        "changes": _list("change", "What differs; only of the types Modified and Pending."),
        "hidden": _list("explained", "What differs and is explained by a rule."),
        "decision": _maybe_part("decision", "What is to be done."),
        "outcome": _maybe_part("outcome", "What became of that; null where nothing was done."),
        "actor": _optional(
            _part("actor", "Who deleted a missing object or made an unmanaged one, if witnessed.")
        ),
    },
    "change": _CHANGE,
    "explained": {
        **_CHANGE,
        "rule": _text("The rule's name."),
        "reason": _text("The rule's reason."),
    },
    "manager": {
        "manager": _text("A program's name, such as kubectl-edit."),
        "operation": _text("Update or Apply."),
        "subresource": _optional(_text("Such as scale.")),
        "time": _maybe_time("When it last wrote"),
    },
    "actor": {
        "user": _text("Who was authenticated."),
        "groups": _texts("The user's groups."),
        "sourceAddresses": _texts("The client first, then proxies; only the last can't be forged."),
        "userAgent": _maybe_text("What the client called itself."),
        "impersonatedUser": _maybe_text("As whom the user acted."),
        "requestId": _maybe_text("The request's id in the audit log, or the admission review's."),
        "verb": _text("As the API server calls it, such as patch."),
        "manager": _maybe_text("The request's field manager."),
        "time": _maybe_time("When the request was answered"),
        "certain": _truth("Whether nobody else can have done it, as far as was witnessed."),
        "others": _texts("Users who may have done it instead; empty where it is certain."),
    },
    "digest": {
        "desired": _maybe_text("Keyed digest of what Git wants."),
        "live": _maybe_text("Keyed digest of what is live."),
    },
    "resource": {
        "apiVersion": _text("As declared; as read for an unmanaged object."),
        "kind": _text("The kind."),
        "namespace": _maybe_text("The namespace; null for a cluster-scoped object."),
        "name": _text("The name."),
        "uid": _maybe_text("The live object's uid; null where it isn't live."),
    },
    "key": {
        "group": _text("The API group; empty for the core group."),
        "kind": _text("The kind."),
        "namespace": _maybe_text("The namespace; null for a cluster-scoped object."),
        "name": _text("The name."),
    },
    "source": {
        "path": _text("The file in the repository, or the chart's template."),
        "line": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "The line of the manifest's first key; null where it isn't known.",
        },
    },
    "decision": {
        "action": _choice(DecisionAction, "What is to be done."),
        "rule": _text("The policy rule that decided."),
        "reason": _text("In a sentence."),
        "until": _optional(_time("How long to wait")),
        "plan": _optional(
            _text("The digest that `plumbline approve` takes, if it waits for that.")
        ),
    },
    "outcome": {
        "type": _choice(OutcomeType, "How the action ended."),
        "reason": _maybe_text("Why; null for a restored object."),
    },
    "done": {
        "resource": _part("key", "The object."),
        "type": _choice(OutcomeType, "How the action ended."),
        "reason": _maybe_text("Why; null for a restored object."),
    },
    "unproven": {
        "resource": _part("key", "The object."),
        "path": _text("The field; empty for the whole object."),
        "reason": _text("Why it couldn't be told."),
    },
}

_NOTICE: Final[Mapping[str, JsonObject]] = {
    "schema": {"const": NOTICE, "description": "The version of this format."},
    "subject": _text("The same for all notices of the same drifts: a later one replaces it."),
    "target": _text("The target's name."),
    "title": _text("What happened, in one line."),
    "standing": _choice(Standing, "How that one stands which asks most of a person."),
    "severity": _choice(Severity, "How much the worst matters."),
    "over": _truth("Whether nothing more will happen to any of them."),
    "reminder": _count("How many times it was told again though nothing had happened."),
    "episodes": _list("episode", "The drifts, the worst first."),
    "leftOut": _count("How many more drifts there are, where they are too many."),
}

_NOTICE_PARTS: Final[Mapping[str, Mapping[str, JsonObject]]] = {
    "episode": {
        "drift": _text("The drift's id; with `firstSeen` it names the episode."),
        "firstSeen": _time("When it was first seen"),
        "type": _choice(DriftType, "Which kind of drift."),
        "severity": _choice(Severity, "How much it matters."),
        "standing": _choice(Standing, "How it stands."),
        "resource": _part("key", "The object."),
        "note": _maybe_text("What a reader must know beyond that."),
        "actor": _maybe_text("Who did it, as far as is known."),
        "revision": _maybe_text("What Git said when it was seen last."),
        "action": _maybe_text("What policy decided: observe, propose, approve, restore or wait."),
        "reason": _maybe_text("Why it stands so, in a sentence."),
        "plan": _maybe_text("The digest that `plumbline approve` takes, if it waits for that."),
        "changes": _list("change", "The fields that differ."),
        "life": _list("event", "What happened to it, in order."),
    },
    "change": {
        "path": _text("The field, list items by their merge keys."),
        "change": _choice(ChangeType, "Seen from Git to live."),
        "desired": _optional(_any("What Git wants; null where it has none.")),
        "live": _optional(_any("What is live; null where there is none.")),
        "leftOut": _optional(_truth("There, and true, where the values are too long to be sent.")),
        "digest": _optional(_part("digest", "Set where the values are masked.")),
    },
    "digest": _PARTS["digest"],
    "key": _PARTS["key"],
    "event": {
        "time": _time("When"),
        "type": _choice(EventType, "What happened."),
        "actor": _maybe_text("Who did it, as far as is known."),
        "reason": _maybe_text("Why, in a sentence."),
    },
}
