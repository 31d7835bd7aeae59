"""A small API server over the fake cluster, for the command line where no real one can be had.

Speaks the part of the REST interface that `KubeCluster` uses, over plain HTTP on loopback, to who
knows its token.
"""

import contextlib
import json
import secrets
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.core.errors import Rejected
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from tests.fakes.cluster import FakeCluster, FakeWriter
from tests.fakes.documents import discovery, openapi_document, openapi_index, resource_list, status
from tests.fakes.watching import WatchDesk, encoded

_OK, _CREATED = 200, 201
_UNAUTHORIZED, _NOT_FOUND = 401, 404
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class EmbeddedServer(AbstractContextManager["EmbeddedServer"]):
    """Serves a fake cluster until the `with` block ends.

    Attributes:
        cluster: What is served.
        kubeconfig: Written to the folder given; the way to reach the server.
        page: At most so many objects a page of a LIST, whatever is asked for.
        watches: Serves watches.
    """

    def __init__(self, cluster: FakeCluster, folder: Path, *, page: int = 1_000_000) -> None:
        self.cluster = cluster
        self.page = page
        self.watches = WatchDesk()
        self.kubeconfig = folder / "embedded.kubeconfig"
        self.token = secrets.token_hex(16)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.embedded = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        name = "embedded"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": self.url}}],
            "users": [{"name": name, "user": {"token": self.token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(document))
        return self

    def __exit__(self, *_: object) -> None:
        self.watches.close(self.cluster.store.objects)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out in two pieces, head and body, which must not wait for each other.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the tests and the demo have their own output."""

    @property
    def _embedded(self) -> EmbeddedServer:
        embedded: EmbeddedServer = self.server.embedded  # type: ignore[attr-defined]
        return embedded

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if self.headers.get("Authorization") != f"Bearer {self._embedded.token}":
            self._answer(_UNAUTHORIZED, status(_UNAUTHORIZED, "Unauthorized", "Unauthorized"))
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            if "watch" in query:
                self._watch(parts.path, query)
                return
            code, document = self._routed(parts.path, query, body)
        except Rejected as error:
            code = error.code
            document = status(code, error.reason, error.message, error.fields)
        self._answer(code, document)

    def _answer(self, code: int, document: Mapping[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _watch(self, path: str, query: Mapping[str, str]) -> None:
        found = _found(self._embedded.cluster, path)
        if found is None:
            self._answer(_NOT_FOUND, status(_NOT_FOUND, "NotFound", "the server could not find it"))
            return
        kind, key = found
        self._embedded.cluster.check_right("watch", kind, key)
        self.send_response(_OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        journal = self._embedded.cluster.store.objects
        self.close_connection = True
        # Whoever watches may go away at any time.
        with contextlib.suppress(ConnectionError):
            if self._embedded.watches.serve(
                journal, kind, key.namespace, query, lambda event: self.wfile.write(encoded(event))
            ):
                self.wfile.write(b"0\r\n\r\n")

    def _routed(
        self, path: str, query: Mapping[str, str], body: JsonObject
    ) -> tuple[int, Mapping[str, Any]]:
        cluster = self._embedded.cluster
        if path == "/version":
            return _OK, {"gitVersion": cluster.version}
        if path in ("/api", "/apis"):
            return _OK, discovery(cluster, core=path == "/api")
        if path == "/openapi/v3":
            return _OK, openapi_index(cluster)
        if path.startswith("/openapi/v3/"):
            return _OK, openapi_document(cluster, path.removeprefix("/openapi/v3/apis/"))
        if path == _REVIEW:
            return _CREATED, _reviewed(cluster, body)
        served = resource_list(cluster, path.removeprefix("/apis/").removeprefix("/api/"))
        if served is not None:
            return _OK, served
        found = _found(cluster, path)
        if found is None:
            return _NOT_FOUND, status(_NOT_FOUND, "NotFound", "the server could not find it")
        kind, key = found
        if self.command == "GET" and not key.name:
            return _OK, self._listed(kind, key.namespace, query)
        return self._object(kind, key, query, body)

    def _listed(
        self, kind: ResourceKind, namespace: str, query: Mapping[str, str]
    ) -> Mapping[str, Any]:
        cluster = self._embedded.cluster
        cluster.check_right("list", kind, ResourceKey(kind.group, kind.kind, namespace, ""))
        if kind.kind in cluster.list_faults:
            raise Rejected(cluster.list_faults[kind.kind], code=501, reason="NotImplemented")
        # Read first: a watch from here on may repeat what is listed, but leaves nothing out.
        revision = cluster.store.objects.revision
        items = [
            {name: value for name, value in body.items() if name not in ("apiVersion", "kind")}
            for body in cluster.store.select(kind, namespace).values()
        ]
        start = int(query.get("continue") or 0)
        end = start + min(int(query.get("limit") or len(items) or 1), self._embedded.page)
        following = {"continue": str(end)} if end < len(items) else {}
        following["resourceVersion"] = str(revision)
        return {
            "apiVersion": kind.api_version,
            "kind": f"{kind.kind}List",
            "metadata": following,
            "items": items[start:end],
        }

    def _object(
        self, kind: ResourceKind, key: ResourceKey, query: Mapping[str, str], body: JsonObject
    ) -> tuple[int, Mapping[str, Any]]:
        cluster = self._embedded.cluster
        if body.get("kind") == "Eviction" and urlsplit(self.path).path.endswith("/eviction"):
            options = body["deleteOptions"]
            writer = FakeWriter(cluster, dry="dryRun" in options)
            writer.evict(kind, key, uid=options["preconditions"]["uid"])
            return _CREATED, {"apiVersion": "v1", "kind": "Status", "status": "Success"}
        cluster.check_right(_VERBS[self.command], kind, key)
        # As the real server does: of a DELETE with a body only the body counts.
        deleting = self.command == "DELETE" and body
        dry = body.get("dryRun") == ["All"] if deleting else query.get("dryRun") == "All"
        writer = FakeWriter(cluster, dry=dry, manager=query.get("fieldManager", "unknown"))
        match self.command:
            case "POST":
                return _CREATED, writer.create(kind, body)
            case "PUT":
                return _OK, writer.replace(kind, body)
            case "DELETE":
                wanted = body.get("preconditions") or {}
                uid, version = wanted.get("uid", ""), wanted.get("resourceVersion", "")
                writer.delete(kind, key, uid=uid, version=version)
                return _OK, {"apiVersion": "v1", "kind": "Status", "status": "Success"}
            case _:
                live = cluster.store.select(kind, key.namespace).get(key)
                if live is None:
                    return _NOT_FOUND, status(_NOT_FOUND, "NotFound", f"{key} not found")
                return _OK, live


def _found(cluster: FakeCluster, path: str) -> tuple[ResourceKind, ResourceKey] | None:
    """Reads an address; the key's name is empty for a whole kind's."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    api_version = "/".join(parts[1:3]) if parts[0] == "apis" else parts[1]
    rest = parts[3:] if parts[0] == "apis" else parts[2:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    for kind in cluster.store.kinds.values():
        if (kind.api_version, kind.plural) == (api_version, rest[0] if rest else ""):
            name = rest[1] if len(rest) > 1 else ""
            return kind, ResourceKey(kind.group, kind.kind, namespace, name)
    return None


def _reviewed(cluster: FakeCluster, review: JsonObject) -> JsonObject:
    asked = review["spec"]["resourceAttributes"]
    allowed = any(
        cluster.may(asked["verb"], kind.kind, asked.get("namespace", ""))
        for kind in cluster.store.kinds.values()
        if (kind.group, kind.plural) == (asked.get("group", ""), asked["resource"])
    )
    return {**review, "status": {"allowed": allowed}}
