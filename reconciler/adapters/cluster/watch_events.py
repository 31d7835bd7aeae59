"""What a watch says, a line each (kubernetes.io/docs/reference/using-api/api-concepts)."""

from contextlib import suppress
from dataclasses import dataclass

import orjson

from reconciler.adapters.cluster.listing import RefusedError
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind

BOOKMARK = "BOOKMARK"
DELETED = "DELETED"
_ERROR = "ERROR"
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One thing that happened.

    Attributes:
        type: `ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`.
        key: To which object; of a bookmark, to none.
        version: The resourceVersion up to which everything has now been told.
        body: The object; as it was last, where it was deleted.
    """

    type: str
    key: ResourceKey
    version: str
    body: JsonObject


def read_event(line: bytes, kind: ResourceKind) -> WatchEvent:
    """Reads a line of a watch.

    Raises:
        RefusedError: The server says that it can't go on.
        ClusterError: It isn't a line of a watch.
    """
    try:
        event = orjson.loads(line)
        body = event["object"]
        if event["type"] == _ERROR:
            raise RefusedError(_refusal(body))
        metadata = body["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
        key = ResourceKey(kind.group, kind.kind, namespace, name)
        return WatchEvent(event["type"], key, metadata["resourceVersion"], body)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ClusterError(
            f"the answer to the watch of {kind.api_version} {kind.plural} isn't one",
            fix="look for a proxy between here and the API server",
        ) from error


def is_later(version: str, than: str) -> bool:
    """Whether a resourceVersion is later: they are numbers, as of Kubernetes 1.35 by contract.

    A server of somebody else's may have other ones: each is then taken for later than the last.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return version != than


def _refusal(status: JsonObject) -> Answer:
    """Makes the answer that it would have been, had the watch not begun already."""
    code, wait = _SERVER_FAULT, 0.0
    with suppress(TypeError, ValueError):
        code = int(status.get("code") or _SERVER_FAULT)
        wait = float((status.get("details") or {}).get("retryAfterSeconds") or 0)
    return Answer(code, orjson.dumps(status), wait)
