"""Reports, plans and explanations as data, for programs (DESIGN, section 6).

What a person reads, a program reads too: nothing is in the text that isn't here. Where there is
nothing, there is `null`. Bodies of writes aren't masked and are never part of a document.
"""

from typing import TYPE_CHECKING, Final

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Change, Decision, Drift, StaleImage
from reconciler.core.explain import Explanation, FieldOrigin
from reconciler.core.outcome import Outcome
from reconciler.core.ownership import FieldManager
from reconciler.core.path import format_path
from reconciler.core.plan import Action, Delete, Evict, Plan, Quarantine, Recreate
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.json_values import encodable as _text
from reconciler.render.json_values import json_value as _json
from reconciler.render.json_values import key_document as _key
from reconciler.render.merge_documents import baselined_document, merge_document
from reconciler.render.plans import changes_of, verb_of

if TYPE_CHECKING:
    from reconciler.core.actors import Actor

REPORT: Final = "plumbline.dev/report/v1"
PLAN: Final = "plumbline.dev/plan/v1"
EXPLANATION: Final = "plumbline.dev/explanation/v1"


def report_document(report: Report) -> JsonObject:
    """Gives a report as the JSON object that DESIGN's section 6 describes."""
    outcomes = {outcome.key: outcome for outcome in report.outcomes}
    summary, requests = report.summary, report.requests
    return {
        "schema": REPORT,
        "target": _text(report.target),
        "revision": _text(report.revision),
        "checkedAt": _text(report.checked_at),
        "comparison": report.comparison.value,
        "summary": {
            "resources": summary.resources,
            "inSync": summary.in_sync,
            "drifted": summary.drifted,
            "unreadable": summary.unreadable,
            "hidden": summary.hidden,
            "pods": summary.pods,
        },
        "requests": {
            "list": requests.list,
            "get": requests.get,
            "dryRun": requests.dry_run,
            "write": requests.write,
        },
        "drifts": [_drift(drift, outcomes.get(drift.key)) for drift in report.drifts],
        "unproven": [
            {"resource": _key(each.key), "path": _text(each.path), "reason": _text(each.reason)}
            for each in report.unproven
        ],
        # Also those of objects that drift no longer, and so are nowhere else.
        "outcomes": [
            {"resource": _key(outcome.key), **_outcome(outcome)} for outcome in report.outcomes
        ],
        "notes": [_text(note) for note in report.notes],
        **_beside(report),
    }


def _beside(report: Report) -> JsonObject:
    """Gives what is only there where two commits were compared, or a baseline was given."""
    document: JsonObject = {}
    if report.merge is not None:
        drifts = [_drift(each.drift, None) for each in report.merge.effects]
        document["merge"] = merge_document(report.merge, drifts)
    if report.baseline is not None:
        drifts = [_drift(each.drift, None) for each in report.baseline.known]
        document["baseline"] = baselined_document(report.baseline, drifts)
    return document


def plan_document(plan: Plan) -> JsonObject:
    """Gives a plan as a JSON object: what is written where and why, never the bodies."""
    return {
        "schema": PLAN,
        "target": _text(plan.target),
        "revision": _text(plan.revision),
        "digest": plan.digest,
        "actions": [_action(action) for action in plan.actions],
        "held": [{"resource": _key(held.key), "reason": _text(held.reason)} for held in plan.held],
    }


def explanation_document(explanation: Explanation) -> JsonObject:
    """Gives an explanation as a JSON object."""
    return {
        "schema": EXPLANATION,
        "resource": _resource(explanation.key, explanation.api_version, explanation.uid),
        "source": _source(explanation.source),
        "revision": _text(explanation.revision),
        "checkedAt": _text(explanation.checked_at),
        "note": _text(explanation.note),
        "fields": [_field(each) for each in explanation.fields],
    }


def _drift(drift: Drift, outcome: Outcome | None) -> JsonObject:
    decision = drift.decision
    return {
        "id": drift.id,
        "type": drift.type.value,
        "severity": drift.severity.value,
        "firstSeen": _text(drift.first_seen) or None,
        "resource": _resource(drift.key, drift.api_version, drift.uid),
        "source": _source(drift.source),
        "note": _text(drift.note) or None,
        "by": _manager(drift.by),
        "changes": [_change(change) for change in drift.changes],
        "hidden": [
            {**_change(each.change), "rule": _text(each.rule), "reason": _text(each.reason)}
            for each in drift.hidden
        ],
        "decision": _decision(decision) if decision else None,
        "outcome": _outcome(outcome) if outcome else None,
        **_actor(drift.actor),
        **_in_pod(drift),
    }


def _in_pod(drift: Drift) -> JsonObject:
    """Gives what only a drift of a running pod has: whose pod, and what was seen where in it."""
    if not drift.is_in_pod:
        return {}
    document: JsonObject = {"owner": _key(drift.owner) if drift.owner else None}
    if drift.image is not None:
        return {**document, **_image(drift.image)}
    if drift.container is None or drift.seen is None:
        return document
    # Late: a report without pods needs none of it.
    from reconciler.render.container_documents import container_document, seen_fields

    fields: JsonObject = _json(seen_fields(drift.seen)[1])
    # What is said of the drift itself goes before.
    note = _text(drift.note) or fields.get("note")
    container = _json(container_document(drift.container))
    return {**document, "container": container, **fields, "note": note}


def _image(image: StaleImage) -> JsonObject:
    return {
        "containerName": _text(image.container),
        "declared": _text(image.declared) or None,
        "running": [_text(digest) for digest in image.running],
        "latest": _text(image.latest) or None,
        "age": image.age,
        "rule": image.rule,
    }


def _decision(decision: Decision) -> JsonObject:
    document = {
        "action": decision.action.value,
        "rule": _text(decision.rule),
        "reason": _text(decision.reason),
    }
    if decision.until:
        document["until"] = _text(decision.until)
    if decision.plan:
        document["plan"] = decision.plan
    return document


def _change(change: Change) -> JsonObject:
    document = {
        "path": _text(format_path(change.path)),
        "change": change.change.value,
        "desired": _json(change.desired),
        "live": _json(change.live),
        "by": _manager(change.by),
    }
    if change.by is None:
        document["candidates"] = [_manager(each) for each in change.candidates]
        document["lastChanged"] = _text(change.last_changed) or None
    if change.masked is not None:
        document["digest"] = {
            "desired": change.masked.desired or None,
            "live": change.masked.live or None,
        }
    return {**document, **_actor(change.actor)}


def _actor(actor: "Actor | None") -> JsonObject:
    """Writes an actor as a field of its own; there is none where nobody was witnessed."""
    if actor is None:
        return {}
    document = {
        "user": _text(actor.user),
        "groups": [_text(group) for group in actor.groups],
        "sourceAddresses": [_text(address) for address in actor.addresses],
        "userAgent": _text(actor.user_agent) or None,
        "impersonatedUser": _text(actor.impersonated) or None,
        "requestId": _text(actor.request_id) or None,
        "verb": _text(actor.verb),
        "manager": _text(actor.manager) or None,
        "time": _text(actor.time) or None,
        "certain": actor.certain,
        "others": [_text(user) for user in actor.others],
    }
    return {"actor": document}


def _manager(manager: FieldManager | None) -> JsonObject | None:
    if manager is None:
        return None
    document: JsonObject = {
        "manager": _text(manager.manager),
        "operation": _text(manager.operation),
    }
    if manager.subresource:
        document["subresource"] = _text(manager.subresource)
    return {**document, "time": _text(manager.time) or None}


def _outcome(outcome: Outcome) -> JsonObject:
    return {"type": outcome.outcome.value, "reason": _text(outcome.reason) or None}


def _action(action: Action) -> JsonObject:
    uid = action.uid if isinstance(action, Recreate | Delete | Evict | Quarantine) else ""
    return {
        "action": verb_of(action)[0],
        "resource": _resource(action.key, action.api_version, uid),
        "changes": [_change(change) for change in changes_of(action)],
    }


def _field(field: FieldOrigin) -> JsonObject:
    return {
        "path": _text(format_path(field.path)),
        "value": _json(field.value),
        "origin": field.origin.value,
        "source": _source(field.source),
        "by": _manager(field.by),
        "reason": _text(field.reason) or None,
        "change": _change(field.change) if field.change else None,
    }


def _resource(key: ResourceKey, api_version: str, uid: str) -> JsonObject:
    return {
        "apiVersion": _text(api_version),
        "kind": _text(key.kind),
        "namespace": _text(key.namespace) or None,
        "name": _text(key.name),
        "uid": _text(uid) or None,
    }


def _source(source: SourceLocation | None) -> JsonObject | None:
    return {"path": _text(source.path), "line": source.line or None} if source else None
