"""The JSON schema of a report about images, from one description of its fields.

Unknown fields are for readers to ignore, so the schema allows them (DESIGN, section 6).
"""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Signature
from reconciler.core.images.report import ImageRule
from reconciler.core.images.running import ContainerKind
from reconciler.core.images.versions import Step
from reconciler.core.images.vulnerabilities import Grade
from reconciler.core.resource import JsonObject
from reconciler.render.image_documents import IMAGES

_Fields = Mapping[str, tuple[Any, str]]


def images_schema() -> JsonObject:
    """Gives the JSON schema (draft 2020-12) of what `images_document` makes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{IMAGES}",
        "title": "A Plumbline report about images",
        "description": "One look at the images of one target: which run, and which are stale.",
        **_object(_REPORT),
        "$defs": {name: _object(fields) for name, fields in _PARTS.items()},
    }


def _object(fields: _Fields) -> JsonObject:
    """Describes an object, all of whose fields are there."""
    return {
        "type": "object",
        "required": list(fields),
        "properties": {
            name: {**_shape(shape), "description": meaning}
            for name, (shape, meaning) in fields.items()
        },
    }


def _shape(shape: Any) -> JsonObject:
    """Describes a value.

    Args:
        shape: A type of JSON or the name of a part, with `?` where it may be null; a list of one
            of these; an enumeration, or a tuple of choices.
    """
    match shape:
        case tuple():
            return {"enum": list(shape)}
        case [inner]:
            return {"type": "array", "items": _shape(inner)}
        case str() if shape.endswith("?"):
            return {"anyOf": [_shape(shape.removesuffix("?")), {"type": "null"}]}
        case str():
            return {"$ref": f"#/$defs/{shape}"} if shape in _PARTS else {"type": shape}
        case _:
            return {"enum": [choice.value for choice in shape]}


_REPORT: Final[_Fields] = {
    "schema": ((IMAGES,), "The version of this format."),
    "target": ("string", "The target's name."),
    "revision": ("string", "What Git says: a commit's hash, or sha256: and a digest."),
    "checkedAt": ("string", "When the look was made; RFC 3339."),
    "summary": ("summary", "The counts."),
    "drifts": (["drift"], "What is stale, and what couldn't be told."),
    "images": (["image"], "Every container of every workload."),
    "unreadable": (["string"], "Why pods couldn't be read."),
    "notes": (["string"], "What a reader should know."),
}

_PARTS: Final[Mapping[str, _Fields]] = {
    "summary": {
        "images": ("integer", "How many images, by name."),
        "containers": ("integer", "How many containers of workloads were looked at."),
        "stale": ("integer", "How many of them have findings."),
        "unreadable": ("integer", "Of how many something couldn't be told."),
    },
    "drift": {
        "id": ("string", "The same while the drift lasts, whoever looks."),
        "type": (("Image", "Unreadable"), "Stale, or not to be told."),
        "severity": (Severity, "How much it matters."),
        "resource": ("resource", "The workload."),
        "source": ("source?", "Where Git declares the workload."),
        "note": ("string", "What was found, in a sentence."),
        "rule": (ImageRule, "What is wrong."),
        "policy": ("string?", "The policy that wants it otherwise."),
        "declared": ("string?", "The image that Git declares."),
        "running": (["string"], "The digests that run, the most often run one first."),
        "latest": ("string?", "The image to run in its place, where one is known."),
        "age": ("integer?", "How many seconds ago the running image was built."),
        "container": ("container?", "The first container that it is about."),
        "containers": (["container"], "All containers that it is about."),
        "vulnerabilities": (["vulnerability"], "For the rule vulnerable, what is in it."),
        "decision": ("null", "Nothing is decided of images yet."),
        "outcome": ("null", "Nothing is done about images yet."),
    },
    "image": {
        "resource": ("resource", "The workload."),
        "source": ("source?", "Where Git declares the workload."),
        "container": ("string", "The container's name."),
        "kind": (ContainerKind, "Which list of the pod's specification it is in."),
        "declared": ("string?", "The image that Git declares."),
        "image": ("string?", "The image that should run: Git's, else that of the first pod."),
        "running": (["running"], "What runs, the most often run digest first."),
        "since": ("string?", "Since when the longest-running one runs; RFC 3339."),
        "resolved": ("string?", "What the image's name resolves to in its registry now."),
        "created": ("string?", "When the running image was built, by its own word."),
        "age": ("integer?", "How many seconds ago that was."),
        "newer": (["newer"], "The newest tag of each step."),
        "signature": ((*(each.value for each in Signature), None), "Which signature is there."),
        "base": ("string?", "What it was built on, by its own word."),
        "policy": ("string?", "The policy that speaks of it."),
        "scanned": ("boolean", "Whether a scanner's report that was given is of it."),
        "drifts": (["string"], "The ids of what is wrong with it."),
        "containers": (["container"], "What there is of it in pods."),
    },
    "resource": {
        "apiVersion": ("string", "Its apiVersion."),
        "kind": ("string", "Its kind."),
        "namespace": ("string?", "Its namespace."),
        "name": ("string", "Its name."),
        "uid": ("string?", "The live object's uid, where it is known."),
    },
    "source": {
        "path": ("string", "The file, inside the repository."),
        "line": ("integer?", "The line, where it is known."),
    },
    "container": {
        "namespace": ("string", "The pod's namespace."),
        "pod": ("string", "The pod's name."),
        "podUid": ("string?", "The pod's uid."),
        "container": ("string", "The container's name."),
        "containerId": ("string?", "As the runtime names it."),
        "image": ("string", "As the pod's specification names it."),
        "imageDigest": ("string?", "What the runtime says that it runs."),
        "node": ("string?", "Where it runs."),
        "startedAt": ("string?", "Since when it runs; RFC 3339."),
        "waiting": ("string?", "Why it doesn't run, in Kubernetes' word."),
    },
    "running": {
        "digest": ("string", "The digest."),
        "containers": ("integer", "How many containers run it."),
    },
    "newer": {
        "tag": ("string", "The tag."),
        "step": (Step, "How far it is from the declared one."),
    },
    "vulnerability": {
        "id": ("string", "Such as CVE-2026-1234."),
        "grade": (Grade, "How severe it is."),
        "package": ("string?", "The package that has it."),
        "installed": ("string?", "The version that is there."),
        "fixed": ("string?", "The version that hasn't it any more."),
    },
}
