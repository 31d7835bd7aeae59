"""A look at a machine's containers as data, for programs (DESIGN, section 6)."""

from typing import Any, Final, assert_never

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    FileState,
    Listener,
    NodeLook,
    Parent,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.ranking import drift_id
from reconciler.core.resource import JsonObject
from reconciler.core.sightings import Sighting
from reconciler.render.json_values import json_value

CONTAINERS: Final = "plumbline.dev/containers/v1"
SIGHTING: Final = "plumbline.dev/container-event/v1"


def node_document(look: NodeLook) -> JsonObject:
    """Gives a look as a JSON object: `drifts` as a report has them, and what else was seen."""
    looks = look.looks
    drifted = sum(bool(each.drifts) for each in looks)
    unknown = sum(bool(each.unknown) for each in looks)
    document: JsonObject = json_value(
        {
            "schema": CONTAINERS,
            "node": look.node,
            "checkedAt": look.checked_at,
            "summary": {
                "containers": len(looks),
                "asTheirImages": sum(not each.drifts and not each.unknown for each in looks),
                "drifted": drifted,
                "unknown": unknown,
            },
            "drifts": [_drift(each.container, drift) for each in looks for drift in each.drifts],
            "containers": [_look(each) for each in looks],
            "notes": list(look.notes),
        }
    )
    return document


def _look(look: ContainerLook) -> JsonObject:
    return {
        "container": container_document(look.container),
        "startedAt": look.started_at or None,
        "drifts": len(look.drifts),
        "unknown": list(look.unknown),
        "expected": [
            {"rule": each.rule, "reason": each.reason, "files": each.count, "size": each.size}
            for each in look.expected
        ],
        "listening": [_listener(each) for each in look.listening],
        "outside": [
            {"path": each.path, "source": each.source, "writable": each.writable}
            for each in look.outside
        ],
        "shells": list(look.shells),
        "written": [
            {
                "path": each.path,
                "files": each.files,
                "expected": each.expected,
                "hides": each.hides,
            }
            for each in look.written
        ],
    }


def sighting_document(sighting: Sighting) -> JsonObject:
    """Gives what became of something as a JSON object: `drift` is as `node_document` has it."""
    drift = sighting.drift
    document: JsonObject = json_value(
        {
            "schema": SIGHTING,
            "event": sighting.occurrence.value,
            "at": sighting.at,
            "container": container_document(sighting.container),
            "drift": drift and _drift(sighting.container, drift, sighting.first_seen),
            "unknown": list(sighting.unknown),
            "note": sighting.note or None,
        }
    )
    return document


def _drift(container: ContainerRef, drift: ContainerDrift, first_seen: str = "") -> JsonObject:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": container.namespace,
        "name": container.pod,
        "uid": container.pod_uid or None,
    }
    kind, fields = seen_fields(drift)
    return {
        "id": drift_id(container, drift),
        "type": kind,
        "severity": drift.severity.value,
        "firstSeen": first_seen or None,
        "resource": pod if container.pod else None,
        "container": container_document(container),
        **fields,
    }


def seen_fields(drift: ContainerDrift) -> tuple[str, JsonObject]:
    """Gives the type of what was seen in a container, and its fields."""
    match drift:
        case FileDrift():
            return "File", {
                "path": drift.path,
                "change": drift.change.value,
                "why": drift.why,
                "was": _state(drift.was),
                "now": _state(drift.now),
                "textDiff": drift.text_diff or None,
                "note": drift.note or None,
            }
        case ProcessDrift():
            return "Process", {
                "pid": drift.pid,
                "containerPid": drift.container_pid,
                "executable": drift.executable,
                "origin": drift.origin.value,
                "code": drift.code or None,
                "command": list(drift.command),
                "user": drift.user,
                "startedAt": drift.started_at or None,
                "parents": [_parent(each) for each in drift.parents],
                "note": drift.note or None,
            }
        case SessionDrift():
            return "Session", {
                "verb": drift.verb,
                "pid": drift.pid,
                "containerPid": drift.container_pid,
                "user": drift.user,
                "command": list(drift.command),
                "startedAt": drift.started_at or None,
                "parents": [_parent(each) for each in drift.parents],
                "note": drift.note or None,
            }
        case PortDrift():
            return "Port", _listener(drift.listener)
        case _:
            assert_never(drift)


def container_document(container: ContainerRef) -> JsonObject:
    """Says which container is meant."""
    return {
        "namespace": container.namespace or None,
        "pod": container.pod or None,
        "podUid": container.pod_uid or None,
        "container": container.container or None,
        "containerId": container.container_id,
        "image": container.image or None,
        "imageDigest": container.image_digest or None,
        "node": container.node,
    }


def _state(state: FileState | None) -> JsonObject | None:
    if state is None:
        return None
    held: dict[str, Any] = {
        "type": state.type.value,
        "mode": f"{state.mode:04o}",
        "uid": state.uid,
        "gid": state.gid,
        "size": state.size,
        "modified": state.modified or None,
        "sha256": state.sha256 or None,
        "target": state.target or None,
    }
    if state.capabilities:
        held["capabilities"] = state.capabilities
    if state.device:
        held["device"] = state.device
    return held


def _parent(parent: Parent) -> JsonObject:
    return {"pid": parent.pid, "name": parent.name}


def _listener(listener: Listener) -> JsonObject:
    return {
        "port": listener.port,
        "protocol": listener.protocol,
        "address": listener.address,
        "pid": listener.pid,
    }
