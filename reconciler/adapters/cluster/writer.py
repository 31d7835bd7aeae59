"""Writes, and dry runs of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.rejection import Attempt, is_webhook_refusal, rejected
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Permit, Query, Transport
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind, metadata_of

#: Under which name our writes stand in managedFields.
FIELD_MANAGER = "plumbline"
_SERVER_FAULT = 500


class _Writes(ABC):
    """The four writes; how one is sent is what tells the real ones from dry runs."""

    #: Unknown fields are dropped, as they were when somebody else applied the same manifest;
    #: `Strict` would refuse it (kubernetes.io/docs/reference/using-api/api-concepts).
    _query: Mapping[str, str] = MappingProxyType(
        {"fieldManager": FIELD_MANAGER, "fieldValidation": "Ignore"}
    )

    #: What a DELETE says beyond that. With a body it may not be said in the address: the server
    #: then reads the options from the body alone (apiserver, handlers/delete.go).
    _delete_options: Mapping[str, object] = MappingProxyType({})

    def __init__(self, transport: Transport, tally: Tally) -> None:
        self._transport = transport
        self._tally = tally

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Creates an object; see `ports.Writer`."""
        key = _key(kind, body)
        path = collection_path(kind, key.namespace)
        return self._done(Attempt("create", kind, key), "POST", path, body)

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Replaces an object; see `ports.Writer`."""
        key = _key(kind, body)
        path = object_path(kind, key.namespace, key.name)
        return self._done(Attempt("update", kind, key), "PUT", path, body)

    def delete(self, kind: ResourceKind, key: ResourceKey, *, uid: str, version: str) -> None:
        """Deletes an object; see `ports.Writer`."""
        preconditions = {"uid": uid, "resourceVersion": version}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {name: value for name, value in preconditions.items() if value},
            **self._delete_options,
        }
        path = object_path(kind, key.namespace, key.name)
        self._done(Attempt("delete", kind, key), "DELETE", path, options)

    def evict(self, kind: ResourceKind, key: ResourceKey, *, uid: str) -> None:
        """Has a pod go (kubernetes.io/docs/concepts/scheduling-eviction/api-eviction)."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}, **self._delete_options},
        }
        path = f"{object_path(kind, key.namespace, key.name)}/eviction"
        evictions = replace(kind, plural=f"{kind.plural}/eviction")
        self._done(Attempt("create", evictions, key), "POST", path, eviction)

    def _done(self, attempt: Attempt, method: str, path: str, body: JsonObject) -> JsonObject:
        query = None if method == "DELETE" else self._query
        answer = self._send(attempt, method, path, query, body)
        document = answer.json()
        if not answer.ok or not isinstance(document, dict):
            raise rejected(attempt, answer)
        return document

    @abstractmethod
    def _send(
        self, attempt: Attempt, method: str, path: str, query: Query | None, body: JsonObject
    ) -> Answer: ...


class RealWriter(_Writes):
    """Really writes; never twice."""

    def __init__(self, transport: Transport, tally: Tally, permit: Permit | None = None) -> None:
        """Writes nothing yet.

        Args:
            transport: Makes the requests.
            tally: Counts them.
            permit: Called before every attempt, to raise where it may not be made.
        """
        super().__init__(transport, tally)
        self._permit = permit

    def _send(
        self, attempt: Attempt, method: str, path: str, query: Query | None, body: JsonObject
    ) -> Answer:
        self._tally.wrote()
        answer = self._transport.write(method, path, query, body, self._permit)
        if answer.status >= _SERVER_FAULT and not is_webhook_refusal(answer):
            raise ClusterError(
                f"{attempt.key}: the server answered {answer.status}; whether it wrote is unknown",
                fix="look again in a moment",
            )
        return answer


class DryRunWriter(_Writes):
    """Asks what a write would do: the server does everything but store it."""

    _query = MappingProxyType({**_Writes._query, "dryRun": "All"})
    _delete_options = MappingProxyType({"dryRun": ["All"]})

    def _send(
        self, attempt: Attempt, method: str, path: str, query: Query | None, body: JsonObject
    ) -> Answer:
        self._tally.dry_run()
        return self._transport.ask(method, path, query, body)


def _key(kind: ResourceKind, body: JsonObject) -> ResourceKey:
    metadata = metadata_of(body)
    name = metadata.get("name") or f"{metadata.get('generateName', '')}*"
    namespace = str(metadata.get("namespace") or "") if kind.namespaced else ""
    return ResourceKey(kind.group, kind.kind, namespace, str(name))
