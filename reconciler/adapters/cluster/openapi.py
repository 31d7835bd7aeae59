"""Reads the schemas of custom kinds from the server, and keeps them by their content's hash.

OpenAPI v3 (kubernetes.io/docs/concepts/overview/kubernetes-api, stable since 1.27) has an index
that gives each group version's document an address with a hash in it: what is kept under that
address can't be stale.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Transport
from reconciler.adapters.files import keep_latest, read_json, write_private
from reconciler.core.resource import ResourceKind
from reconciler.core.schema import Node

#: Reads a kind's node out of an OpenAPI v3 document; None where it isn't in there.
NodeReader: TypeAlias = Callable[[Mapping[str, Any], str, str], Node | None]

#: Documents kept; of more, those that weren't used for longest go.
_KEPT = 200


@dataclass(slots=True)
class OpenApi:
    """The server's own schemas.

    Attributes:
        transport: Asks the server.
        tally: Counts the requests.
        reader: Reads a kind's node out of a document.
        folder: Where documents are kept between runs; None for nowhere.
    """

    transport: Transport
    tally: Tally
    reader: NodeReader
    folder: Path | None
    _index: Mapping[str, str] | None = None
    _documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def nodes(self, kinds: Collection[ResourceKind]) -> dict[tuple[str, str], Node]:
        """Gives what the server says of these kinds; one that can't be read is left out.

        Raises:
            ClusterError: The server couldn't be reached.
        """
        found: dict[tuple[str, str], Node] = {}
        for kind in sorted(kinds):
            document = self._document(kind.api_version)
            node = self.reader(document, kind.api_version, kind.kind) if document else None
            if node is not None:
                found[kind.api_version, kind.kind] = node
        return found

    def forget(self) -> None:
        """Asks anew from now on: what the server serves has changed."""
        self._index = None
        self._documents = {}

    def _document(self, api_version: str) -> Mapping[str, Any]:
        if api_version not in self._documents:
            self._documents[api_version] = self._load(api_version)
        return self._documents[api_version]

    def _load(self, api_version: str) -> Mapping[str, Any]:
        base = "apis" if "/" in api_version else "api"
        address = self._addresses().get(f"{base}/{api_version}")
        if address is None:
            return {}
        kept = self._kept_at(address)
        document = _read(kept) if kept else {}
        if not document:
            self.tally.got()
            answer = self.transport.get(address)
            read = answer.json() if answer.ok else {}
            document = read if isinstance(read, dict) else {}
            if document and kept:
                _keep(kept, answer.data)
        return document

    def _addresses(self) -> Mapping[str, str]:
        """Gives the documents' addresses, of this server only: no other host is asked."""
        if self._index is None:
            self.tally.got()
            answer = self.transport.get("/openapi/v3")
            index = answer.json() if answer.ok else {}
            paths = index.get("paths") if isinstance(index, Mapping) else None
            entries = paths.items() if isinstance(paths, Mapping) else ()
            addresses = {name: str(entry.get("serverRelativeURL") or "") for name, entry in entries}
            self._index = {k: v for k, v in addresses.items() if v.startswith("/openapi/v3/")}
        return self._index

    def _kept_at(self, address: str) -> Path | None:
        # Without a hash in it an address says nothing of what is there.
        if self.folder is None or "hash=" not in address:
            return None
        return self.folder / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> Mapping[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict):
        return {}
    with suppress(OSError):
        path.touch()
    return document


def _keep(path: Path, content: bytes) -> None:
    """Keeps a document; that it can't be kept costs a request the next time, and no more."""
    with suppress(OSError):
        write_private(path, content)
    keep_latest(path.parent, "*.json", _KEPT)
