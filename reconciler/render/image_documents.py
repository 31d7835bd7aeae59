"""A report about images as data, for programs (DESIGN, section 6)."""

from datetime import timedelta
from typing import Final

from reconciler.core.images.facts import Signature
from reconciler.core.images.report import ImageDrift, ImageEntry, ImageReport, ImageRule
from reconciler.core.images.running import Container, Use
from reconciler.core.images.vulnerabilities import Vulnerability
from reconciler.core.resource import JsonObject
from reconciler.render.json_values import encodable as _text

IMAGES: Final = "plumbline.dev/images/v1"
#: Of the document that lists those of several targets.
SEVERAL: Final = "plumbline.dev/images-reports/v1"


def images_document(report: ImageReport) -> JsonObject:
    """Gives a report about images as a JSON object."""
    summary = report.summary
    return {
        "schema": IMAGES,
        "target": _text(report.target),
        "revision": _text(report.revision),
        "checkedAt": _text(report.checked_at),
        "summary": {
            "images": summary.images,
            "containers": summary.containers,
            "stale": summary.stale,
            "unreadable": summary.unreadable,
        },
        "drifts": [_drift(drift) for entry in report.entries for drift in entry.drifts],
        "images": [_entry(entry) for entry in report.entries],
        "unreadable": [_text(reason) for reason in report.unread],
        "notes": [_text(note) for note in report.notes],
    }


def _drift(drift: ImageDrift) -> JsonObject:
    use = drift.use
    concerned = [
        each for each in use.containers if each.running.digest in drift.running or not drift.running
    ]
    return {
        "id": _text(drift.id),
        "type": "Unreadable" if drift.rule is ImageRule.UNREADABLE else "Image",
        "severity": drift.severity.value,
        "resource": _resource(use),
        "source": _source(use),
        "note": _text(drift.text),
        "rule": drift.rule.value,
        "policy": _text(drift.policy) or None,
        "declared": _text(use.declared) or None,
        "running": [_text(digest) for digest in drift.running],
        "latest": _text(drift.latest) or None,
        "age": _seconds(drift.age),
        "container": _container(use, concerned[0]) if concerned else None,
        "containers": [_container(use, each) for each in concerned],
        "vulnerabilities": [_vulnerability(each) for each in drift.vulnerabilities],
        "decision": None,
        "outcome": None,
    }


def _entry(entry: ImageEntry) -> JsonObject:
    use, signature = entry.use, entry.signature
    return {
        "resource": _resource(use),
        "source": _source(use),
        "container": _text(use.container),
        "kind": use.kind.value,
        "declared": _text(use.declared) or None,
        "image": _text(use.image) or None,
        "running": [
            {"digest": _text(digest), "containers": count} for digest, count in entry.digests
        ],
        "since": _text(entry.since) or None,
        "resolved": _text(entry.resolved) or None,
        "created": _text(entry.created) or None,
        "age": _seconds(entry.age),
        "newer": [{"tag": _text(each.tag), "step": each.step.value} for each in entry.newer],
        "signature": signature.value if isinstance(signature, Signature) else None,
        "base": _text(entry.base) or None,
        "policy": _text(entry.policy) or None,
        "scanned": bool(entry.scanned),
        "drifts": [_text(drift.id) for drift in entry.drifts],
        "containers": [_container(use, each) for each in use.containers],
    }


def _resource(use: Use) -> JsonObject:
    return {
        "apiVersion": _text(use.api_version),
        "kind": _text(use.owner.kind),
        "namespace": _text(use.owner.namespace) or None,
        "name": _text(use.owner.name),
        "uid": _text(use.uid) or None,
    }


def _source(use: Use) -> JsonObject | None:
    if use.source is None:
        return None
    return {"path": _text(use.source.path), "line": use.source.line or None}


def _container(use: Use, container: Container) -> JsonObject:
    return {
        "namespace": _text(use.owner.namespace),
        "pod": _text(container.pod),
        "podUid": _text(container.pod_uid) or None,
        "container": _text(use.container),
        "containerId": _text(container.container_id) or None,
        "image": _text(container.image),
        "imageDigest": _text(container.running.digest) or None,
        "node": _text(container.node) or None,
        "startedAt": _text(container.started_at) or None,
        "waiting": _text(container.waiting) or None,
    }


def _vulnerability(found: Vulnerability) -> JsonObject:
    return {
        "id": _text(found.id),
        "grade": found.grade.value,
        "package": _text(found.package) or None,
        "installed": _text(found.installed) or None,
        "fixed": _text(found.fixed) or None,
    }


def _seconds(age: timedelta | None) -> int | None:
    return None if age is None else age // timedelta(seconds=1)
