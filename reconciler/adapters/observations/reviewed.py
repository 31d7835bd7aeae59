"""Reads what an admission webhook is asked: `admission.k8s.io/v1`, before an object is written.

It tells less than an audit event (no address, no program, no impersonation) and more: the object
carries managedFields with the entry that the request makes, so its time and manager are exact.
Bodies may hold secrets. They are looked at for names, and never kept.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.observations.fields import SESSIONS, differing, texts
from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness
from reconciler.core.resource import metadata_of

_OPERATIONS = {
    "CREATE": ("create", Deed.CREATED),
    "UPDATE": ("update", Deed.WROTE),
    "DELETE": ("delete", Deed.DELETED),
    "CONNECT": ("connect", Deed.ENTERED),
}


def event_of_review(document: object, now: str) -> AuditEvent | None:
    """Reads one AdmissionReview.

    Args:
        document: The review.
        now: When it was asked, RFC 3339; for where managedFields don't say.

    Returns:
        What is kept of it; None for a dry run, for a write of a status, and for what isn't a
        request to change an object.
    """
    request = _mapping(document, "request")
    known = _OPERATIONS.get(_text(request, "operation"))
    subresource = _text(request, "subResource")
    if known is None or request.get("dryRun") is True or subresource == "status":
        return None
    verb, deed = known
    if deed is Deed.ENTERED and subresource not in SESSIONS:
        return None
    if subresource and deed is not Deed.ENTERED:
        deed = Deed.DELETED if subresource == "eviction" else Deed.WROTE
    old, new = _mapping(request, "oldObject"), _mapping(request, "object")
    about = metadata_of(old if verb == "delete" else new)
    user, written = _mapping(request, "userInfo"), _written(old, new)
    given = _text(_mapping(request, "options"), "fieldManager")
    if given and written.get("manager") != given:
        # A write that changed nothing has no entry of its own.
        written = {}
    time = _text(written, "time") or now
    return AuditEvent(
        request_id=_text(request, "uid"),
        witness=Witness.ADMISSION,
        ref=_ref(request, about),
        deed=deed,
        verb=verb,
        received=time,
        time=time,
        user=_text(user, "username"),
        groups=texts(user.get("groups")),
        manager=given or _text(written, "manager"),
        operation=_text(written, "operation"),
        subresource=subresource,
        # A subresource's own object, such as a Scale, has the uid of what it belongs to.
        uid=_text(about, "uid"),
        touched=differing(old, new) if verb == "update" and not subresource else None,
    )


def _ref(request: Mapping[str, Any], about: Mapping[str, Any]) -> ObjectRef:
    """Names the object, as the request did that it comes from."""
    resource = _mapping(request, "requestResource") or _mapping(request, "resource")
    group, plural = _text(resource, "group"), _text(resource, "resource")
    is_namespace = (group, plural) == ("", "namespaces")
    namespace = "" if is_namespace else _text(request, "namespace")
    # Where the server makes a name, only the object has it.
    return ObjectRef(group, plural, namespace, _text(request, "name") or _text(about, "name"))


def _written(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Finds the entry of managedFields that the request makes or renews: the one that is new."""
    before = [_entry(each) for each in metadata_of(old).get("managedFields") or ()]
    entries = metadata_of(new).get("managedFields") or ()
    fresh = [each for each in entries if _entry(each) not in before]
    return max(fresh, key=lambda each: _text(each, "time"), default={})


def _entry(entry: object) -> tuple[str, ...]:
    names = ("manager", "operation", "subresource", "time")
    return tuple(_text(entry, name) for name in names)


def _mapping(document: object, name: str) -> Mapping[str, Any]:
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, str) else ""
