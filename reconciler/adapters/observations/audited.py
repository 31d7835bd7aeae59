"""Reads the API server's audit events: `audit.k8s.io/v1`, of any level.

Bodies (`requestObject`, `responseObject`) may hold secrets. They are looked at for names, and
never kept.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from reconciler.adapters.observations.fields import SESSIONS, patched, texts
from reconciler.core.actors import AuditEvent, Deed, ObjectRef, Witness, default_manager

_CREATED = 201

#: Subresources by whose requests an object doesn't change.
_NO_WRITE = frozenset({"log", "proxy", "token"})
#: How a session is asked for: a web socket begins as a GET.
_ASKED = frozenset({"create", "get"})
_SWITCHED = 101
#: A session is long; who came is told as it begins.
_BEGUN = frozenset({"ResponseStarted", "ResponseComplete"})

_DEEDS = {
    "create": Deed.WROTE,
    "update": Deed.WROTE,
    "patch": Deed.WROTE,
    "apply": Deed.WROTE,
    "delete": Deed.DELETED,
    "deletecollection": Deed.DELETED,
}


def events_of_list(document: object) -> Iterator[AuditEvent]:
    """Reads an `EventList`, as the audit webhook sends it; skips what isn't of interest."""
    items = document.get("items") if isinstance(document, Mapping) else None
    for item in items if isinstance(items, list) else ():
        event = event_of(item)
        if event is not None:
            yield event


def event_of(document: object) -> AuditEvent | None:
    """Reads one audit event.

    Returns:
        What is kept of it; None unless it tells of a completed, successful request that changed an
        object, no read, no dry run, no write of a status; or of a session in a pod that has begun.
    """
    if not isinstance(document, Mapping) or document.get("stage") not in _BEGUN:
        return None
    verb = _text(document, "verb")
    ref = _mapping(document, "objectRef")
    code = _mapping(document, "responseStatus").get("code")
    subresource = _text(ref, "subresource")
    enters = subresource in SESSIONS and verb in _ASKED and code in (200, _SWITCHED)
    if not enters and document.get("stage") != "ResponseComplete":
        return None
    is_done = verb in _DEEDS and isinstance(code, int) and 200 <= code < 300
    if not ref or not (enters or (is_done and subresource not in SESSIONS)):
        return None
    query = parse_qs(_text(document, "requestURI").partition("?")[2])
    if subresource == "status" or subresource in _NO_WRITE or _is_dry_run(document, query):
        return None
    user, impersonated = _mapping(document, "user"), _mapping(document, "impersonatedUser")
    agent = _text(document, "userAgent")
    made = _mapping(_mapping(document, "responseObject"), "metadata")
    return AuditEvent(
        request_id=_text(document, "auditID"),
        witness=Witness.AUDIT,
        ref=_ref(ref, made),
        deed=Deed.ENTERED if enters else _deed(verb, subresource, code),
        verb=verb,
        received=_text(document, "requestReceivedTimestamp") or _text(document, "stageTimestamp"),
        time=_text(document, "stageTimestamp"),
        user=_text(user, "username"),
        groups=texts(user.get("groups")),
        addresses=texts(document.get("sourceIPs")),
        user_agent=agent,
        impersonated=_text(impersonated, "username"),
        manager=query.get("fieldManager", [""])[0] or default_manager(agent),
        operation=_operation(verb, query),
        subresource=subresource,
        # A Status in answer to a deletion has no uid in its metadata.
        uid=_text(ref, "uid") or _text(made, "uid"),
        selective=bool(query.keys() & {"labelSelector", "fieldSelector"}),
        touched=patched(document.get("requestObject")) if verb == "patch" else None,
    )


def _ref(ref: Mapping[str, Any], made: Mapping[str, Any]) -> ObjectRef:
    """Names the object; the answer names one whose name the server made."""
    group, resource = _text(ref, "apiGroup"), _text(ref, "resource")
    # A namespace's own address reads as if it lay in itself (apiserver, request/requestinfo.go).
    is_namespace = (group, resource) == ("", "namespaces")
    namespace = "" if is_namespace else _text(ref, "namespace")
    return ObjectRef(group, resource, namespace, _text(ref, "name") or _text(made, "name"))


def _deed(verb: str, subresource: str, code: object) -> Deed:
    if subresource == "eviction":
        return Deed.DELETED
    return Deed.CREATED if code == _CREATED and not subresource else _DEEDS[verb]


def _operation(verb: str, query: Mapping[str, list[str]]) -> str:
    """Says under which operation managedFields list the request; empty where it can't be told.

    A server-side apply is a PATCH that must name its manager; `force` is allowed for it alone.
    """
    if verb == "apply" or "force" in query:
        return "Apply"
    return "" if verb == "patch" and "fieldManager" in query else "Update"


def _is_dry_run(document: Mapping[str, Any], query: Mapping[str, list[str]]) -> bool:
    # A deletion says it in its body, which is there from the level Request on.
    return "dryRun" in query or bool(_mapping(document, "requestObject").get("dryRun"))


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
