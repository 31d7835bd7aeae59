"""The JSON schemas of a report's and a notice's documents, from one description of their fields.

Unknown fields are for readers to ignore, so the schema allows them (DESIGN, section 6).
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.drift import ChangeType, DecisionAction, DriftType, Severity
from reconciler.core.history import EventType
from reconciler.core.notices import Standing
from reconciler.core.outcome import OutcomeType
from reconciler.core.report import Comparison
from reconciler.core.resource import JsonObject
from reconciler.render.document import REPORT
from reconciler.render.merge_documents import BASELINE_PARTS, MERGE_PARTS
from reconciler.render.notice_documents import NOTICE
from reconciler.render.pod_schema import in_pod_fields, in_pod_parts
from reconciler.render.schema_fields import (
    anything,
    choice,
    count,
    described,
    listed,
    maybe_part,
    maybe_text,
    maybe_time,
    optional,
    part,
    text,
    texts,
    time,
    truth,
)

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `report_document` makes."""
    return {
        "$schema": _DIALECT,
        "$id": f"https://{REPORT}",
        "title": "A Plumbline report",
        "description": "One look at one target: what was read, what drifted, what was done.",
        **described(_REPORT),
        "$defs": {
            **{name: described(fields) for name, fields in _PARTS.items()},
            **in_pod_parts(),
        },
    }


def notice_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `notice_document` makes."""
    return {
        "$schema": _DIALECT,
        "$id": f"https://{NOTICE}",
        "title": "A Plumbline notice",
        "description": "What people are told: one drift as it stands, or many that began together.",
        **described(_NOTICE),
        "$defs": {name: described(fields) for name, fields in _NOTICE_PARTS.items()},
    }


_REPORT: Final[Mapping[str, JsonObject]] = {
    "schema": {"const": REPORT, "description": "The version of this format."},
    "target": text("The target's name."),
    "revision": text("What Git says: a commit's hash, or sha256: and a digest for a folder."),
    "checkedAt": time("When the look was made"),
    "comparison": choice(
        Comparison, "Whether the server was asked what it makes of the declaration."
    ),
    "summary": part("summary", "The counts."),
    "requests": part("requests", "What the look cost the API server."),
    "drifts": listed("drift", "What isn't as declared, the worst first."),
    "unproven": listed("unproven", "What the comparison could not prove."),
    "outcomes": listed("done", "What became of each action; empty where nothing was to be done."),
    "notes": texts("What a reader should know, such as what was not looked at."),
    "merge": optional(
        part("merge", "What merging would do, where two commits were compared (--base).")
    ),
    "baseline": optional(part("baseline", "What was known before, where --baseline was given.")),
}

_CHANGE: Final[Mapping[str, JsonObject]] = {
    "path": text("The field, list items by their merge keys."),
    "change": choice(ChangeType, "Seen from Git to live."),
    "desired": anything("What Git wants, with the server's defaults; null where it has none."),
    "live": anything("What is live; null where there is none."),
    "by": maybe_part("manager", "Who set the live value; null where that isn't known."),
    "candidates": optional(listed("manager", "Who may have done it, the latest first.")),
    "lastChanged": optional(maybe_time("When the object was last written")),
    "digest": optional(part("digest", "Set where the values are masked.")),
    "actor": optional(part("actor", "Who really did it, where the request was witnessed.")),
}

_PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    **MERGE_PARTS,
    **BASELINE_PARTS,
    "summary": {
        "resources": count("Objects looked at: declared ones, and unmanaged ones."),
        "inSync": count("Objects that are as declared."),
        "drifted": count("Objects that aren't."),
        "unreadable": count("Objects that could not be read."),
        "hidden": count("Differences that rules explain."),
        "pods": count("Pods that aren't as their templates and images; counted apart."),
    },
    "requests": {
        "list": count("LISTs, one a kind and scope."),
        "get": count("Reads of single objects and of discovery."),
        "dryRun": count("Writes that only asked."),
        "write": count("Writes."),
    },
    "drift": {
        "id": text("The same while the drift lasts, whoever looks."),
        "type": choice(DriftType, "Which kind of drift."),
        "severity": choice(Severity, "How much it matters."),
        "firstSeen": maybe_time("When it was first seen"),
        "resource": part("resource", "The object."),
        "source": maybe_part("source", "Where it is declared; null for an unmanaged object."),
        "note": maybe_text("What a reader must know, such as why it could not be read."),
        "by": maybe_part("manager", "Who made an unmanaged object."),
        "changes": listed("change", "What differs; of the types Modified, Pending and PodSpec."),
        "hidden": listed("explained", "What differs and is explained by a rule."),
        "decision": maybe_part("decision", "What is to be done."),
        "outcome": maybe_part("outcome", "What became of that; null where nothing was done."),
        "actor": optional(
            part(
                "actor",
                "Who deleted a missing object, made an unmanaged one or asked for a session.",
            )
        ),
        **in_pod_fields(),
    },
    "change": _CHANGE,
    "explained": {
        **_CHANGE,
        "rule": text("The rule's name."),
        "reason": text("The rule's reason."),
    },
    "manager": {
        "manager": text("A program's name, such as kubectl-edit."),
        "operation": text("Update or Apply."),
        "subresource": optional(text("Such as scale.")),
        "time": maybe_time("When it last wrote"),
    },
    "actor": {
        "user": text("Who was authenticated."),
        "groups": texts("The user's groups."),
        "sourceAddresses": texts("The client first, then proxies; only the last can't be forged."),
        "userAgent": maybe_text("What the client called itself."),
        "impersonatedUser": maybe_text("As whom the user acted."),
        "requestId": maybe_text("The request's id in the audit log, or the admission review's."),
        "verb": text("As the API server calls it, such as patch."),
        "manager": maybe_text("The request's field manager."),
        "time": maybe_time("When the request was answered"),
        "certain": truth("Whether nobody else can have done it, as far as was witnessed."),
        "others": texts("Users who may have done it instead; empty where it is certain."),
    },
    "digest": {
        "desired": maybe_text("Keyed digest of what Git wants."),
        "live": maybe_text("Keyed digest of what is live."),
    },
    "resource": {
        "apiVersion": text("As declared; as read for an unmanaged object."),
        "kind": text("The kind."),
        "namespace": maybe_text("The namespace; null for a cluster-scoped object."),
        "name": text("The name."),
        "uid": maybe_text("The live object's uid; null where it isn't live."),
    },
    "key": {
        "group": text("The API group; empty for the core group."),
        "kind": text("The kind."),
        "namespace": maybe_text("The namespace; null for a cluster-scoped object."),
        "name": text("The name."),
    },
    "source": {
        "path": text("The file in the repository, or the chart's template."),
        "line": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "The line of the manifest's first key; null where it isn't known.",
        },
    },
    "decision": {
        "action": choice(DecisionAction, "What is to be done."),
        "rule": text("The policy rule that decided."),
        "reason": text("In a sentence."),
        "until": optional(time("How long to wait")),
        "plan": optional(text("The digest that `plumbline approve` takes, if it waits for that.")),
    },
    "outcome": {
        "type": choice(OutcomeType, "How the action ended."),
        "reason": maybe_text("Why; null for a restored object."),
    },
    "done": {
        "resource": part("key", "The object."),
        "type": choice(OutcomeType, "How the action ended."),
        "reason": maybe_text("Why; null for a restored object."),
    },
    "unproven": {
        "resource": part("key", "The object."),
        "path": text("The field; empty for the whole object."),
        "reason": text("Why it couldn't be told."),
    },
}

_NOTICE: Final[Mapping[str, JsonObject]] = {
    "schema": {"const": NOTICE, "description": "The version of this format."},
    "subject": text("The same for all notices of the same drifts: a later one replaces it."),
    "target": text("The target's name."),
    "title": text("What happened, in one line."),
    "standing": choice(Standing, "How that one stands which asks most of a person."),
    "severity": choice(Severity, "How much the worst matters."),
    "over": truth("Whether nothing more will happen to any of them."),
    "reminder": count("How many times it was told again though nothing had happened."),
    "episodes": listed("episode", "The drifts, the worst first."),
    "leftOut": count("How many more drifts there are, where they are too many."),
}

_NOTICE_PARTS: Final[Mapping[str, Mapping[str, JsonObject]]] = {
    "episode": {
        "drift": text("The drift's id; with `firstSeen` it names the episode."),
        "firstSeen": time("When it was first seen"),
        "type": choice(DriftType, "Which kind of drift."),
        "severity": choice(Severity, "How much it matters."),
        "standing": choice(Standing, "How it stands."),
        "resource": part("key", "The object."),
        "note": maybe_text("What a reader must know beyond that."),
        "actor": maybe_text("Who did it, as far as is known."),
        "revision": maybe_text("What Git said when it was seen last."),
        "action": maybe_text("What policy decided: observe, propose, approve, restore or wait."),
        "reason": maybe_text("Why it stands so, in a sentence."),
        "plan": maybe_text("The digest that `plumbline approve` takes, if it waits for that."),
        "changes": listed("change", "The fields that differ."),
        "life": listed("event", "What happened to it, in order."),
    },
    "change": {
        "path": text("The field, list items by their merge keys."),
        "change": choice(ChangeType, "Seen from Git to live."),
        "desired": optional(anything("What Git wants; null where it has none.")),
        "live": optional(anything("What is live; null where there is none.")),
        "leftOut": optional(truth("There, and true, where the values are too long to be sent.")),
        "digest": optional(part("digest", "Set where the values are masked.")),
    },
    "digest": _PARTS["digest"],
    "key": _PARTS["key"],
    "event": {
        "time": time("When"),
        "type": choice(EventType, "What happened."),
        "actor": maybe_text("Who did it, as far as is known."),
        "reason": maybe_text("Why, in a sentence."),
    },
}
