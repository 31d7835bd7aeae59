"""The JSON schemas of looks at containers and of what an agent tells, from their fields.

Unknown fields are for readers to ignore, so the schemas allow them (DESIGN, section 6).
"""

from collections.abc import Mapping
from typing import Final

from reconciler.core.containers import FileType, Origin
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.resource import JsonObject
from reconciler.core.sightings import Occurrence
from reconciler.render.container_documents import CONTAINERS, SIGHTING
from reconciler.render.schema_fields import (
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

_KINDS: Final = ("file", "process", "session", "port")


def containers_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `node_document` makes."""
    return _schema(
        CONTAINERS,
        "A Plumbline look at containers",
        "One look at all containers of one machine, against their images.",
        _LOOK,
        CONTAINER_PARTS,
    )


def sighting_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `sighting_document` makes."""
    parts = {name: part for name, part in CONTAINER_PARTS.items() if name not in _LOOK_ALONE}
    return _schema(
        SIGHTING,
        "What a Plumbline agent tells",
        "One thing in one container that is new, changed, gone or not to be told.",
        _SIGHTING,
        parts,
    )


def _schema(
    name: str, title: str, meaning: str, fields: Mapping[str, JsonObject], parts: JsonObject
) -> JsonObject:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{name}",
        "title": title,
        "description": meaning,
        **described(fields),
        "$defs": parts,
    }


def _constant(name: str) -> JsonObject:
    return {"enum": [name], "description": "The version of this format."}


def _drift(kind: str, fields: Mapping[str, JsonObject]) -> JsonObject:
    return described(
        {
            "id": text("The same while the drift lasts, whoever looks."),
            "type": {"enum": [kind], "description": "What sort of drift."},
            "severity": choice(Severity, "How much it matters."),
            "firstSeen": maybe_time("When a watcher first saw it; null in a single look"),
            "resource": maybe_part("resource", "The pod; null outside of Kubernetes."),
            "container": part("container", "In which container."),
            **fields,
        }
    )


_PID: Final = count("The process's number on the machine.")
_NOTE: Final = maybe_text("What a reader must know.")
_LISTENER: Final = {
    "port": count("The port."),
    "protocol": {"enum": ["TCP", "UDP"], "description": "As Kubernetes writes it."},
    "address": text("Where; `0.0.0.0` and `::` for everywhere."),
    "pid": _PID,
}
_RUNNING: Final = {
    "pid": _PID,
    "containerPid": count("Its number as the container sees it."),
    "user": text("As whom it runs, by number."),
    "command": texts("Its words; secrets are masked."),
    "startedAt": maybe_time("When it was started"),
    "parents": listed("parent", "The nearest first, up to what is outside of the container."),
    "note": _NOTE,
}

#: By type, the fields of what was seen in a container.
SEEN: Final[Mapping[str, Mapping[str, JsonObject]]] = {
    "File": {
        "path": text("As the container sees it."),
        "change": choice(ChangeType, "Seen from the image to the container."),
        "why": text("Why it matters that much, in a few words."),
        "was": maybe_part("state", "As the image has it; null for an added file."),
        "now": maybe_part("state", "As it is; null for a removed one."),
        "textDiff": maybe_text("Of small text, the unified diff; secrets are masked."),
        "note": _NOTE,
    },
    "Process": {
        "executable": text("What it runs, as the container sees it."),
        "origin": choice(Origin, "Where that comes from."),
        "code": maybe_text("The library or script, where it isn't the executable."),
        **_RUNNING,
    },
    "Session": {
        "verb": {
            "enum": ["exec", "enter"],
            "description": "Whether the runtime started it, or it joined from the machine.",
        },
        **_RUNNING,
    },
    "Port": _LISTENER,
}

_LOOK: Final = {
    "schema": _constant(CONTAINERS),
    "node": text("The machine's name."),
    "checkedAt": time("When the look was made"),
    "summary": part("summary", "The counts, of containers."),
    "drifts": listed("drift", "What isn't as the images say, by container, the worst first."),
    "containers": listed("look", "Every container that was looked at."),
    "notes": texts("What a reader should know; containers that couldn't be told."),
}

_SIGHTING: Final = {
    "schema": _constant(SIGHTING),
    "event": choice(Occurrence, "What became of it since it was told last."),
    "at": time("When that was seen"),
    "container": part("container", "In which container."),
    "drift": maybe_part("drift", "As it is, or, gone, as it was; null for the event unknown."),
    "unknown": texts("For the event unknown, what can't be told by now; none: all is told."),
    "note": _NOTE,
}

_LOOK_ALONE: Final = ("summary", "look", "expected", "listener", "outside", "written")
CONTAINER_PARTS: Final = {
    "summary": described(
        {
            "containers": count("How many were looked at."),
            "asTheirImages": count("How many have no drift, and all of them is told."),
            "drifted": count("How many have drift."),
            "unknown": count("Of how many something couldn't be told."),
        }
    ),
    "drift": {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in _KINDS]},
    **{kind.lower(): _drift(kind, fields) for kind, fields in SEEN.items()},
    "resource": described(
        {
            "apiVersion": text("Its apiVersion."),
            "kind": text("Its kind."),
            "namespace": text("Its namespace."),
            "name": text("Its name."),
            "uid": maybe_text("Its uid."),
        }
    ),
    "container": described(
        {
            "namespace": maybe_text("The pod's namespace."),
            "pod": maybe_text("The pod's name."),
            "podUid": maybe_text("The pod's uid."),
            "container": maybe_text("The container's name."),
            "containerId": text("The runtime's id."),
            "image": maybe_text("The image's name, as the runtime was told."),
            "imageDigest": maybe_text("The image's digest."),
            "node": text("The machine's name."),
        }
    ),
    "state": described(
        {
            "type": choice(FileType, "What sort of file."),
            "mode": text("Permission bits with setuid, setgid and sticky, in octal."),
            "uid": count("The owner's number."),
            "gid": count("The group's number."),
            "size": count("In bytes."),
            "modified": maybe_time("When its content was last changed"),
            "sha256": maybe_text("Of its content; null where there is none, or it wasn't read."),
            "target": maybe_text("Where a symbolic link points, as it is written there."),
            "capabilities": optional(text("The raw attribute security.capability in hex.")),
            "device": optional(text("A device's two numbers, major:minor.")),
        }
    ),
    "parent": described({"pid": _PID, "name": text("Its short name, which it may choose.")}),
    "look": described(
        {
            "container": part("container", "Which one."),
            "startedAt": optional(maybe_time("When its first process was started")),
            "drifts": count("How many of the drifts are of it."),
            "unknown": texts("What couldn't be told, and why."),
            "expected": listed("expected", "Differences that a rule expects."),
            "listening": listed("listener", "Where it listens."),
            "outside": listed("outside", "Places in it that aren't of its image."),
            "shells": optional(texts("Paths of the shells that are in it.")),
            "written": optional(listed("written", "Where it wrote what is no drift.")),
        }
    ),
    "expected": described(
        {
            "rule": text("The rule's name."),
            "reason": text("Its reason."),
            "files": count("How many files."),
            "size": count("Their size in bytes."),
        }
    ),
    "written": described(
        {
            "path": text(
                "The innermost directory that the image has, or else the outermost that was made; "
                "/ stands for the rest, too."
            ),
            "files": count("How many files differ there; 0 where only a trace of some is left."),
            "expected": truth("Whether a rule expects to be written there."),
            "hides": truth("Whether the image has files there, which a volume would hide."),
        }
    ),
    "listener": described(_LISTENER),
    "outside": described(
        {
            "path": text("Where the container sees it."),
            "source": text("What it is, such as `emptyDir scratch`."),
            "writable": truth("Whether it may be written there."),
        }
    ),
}
