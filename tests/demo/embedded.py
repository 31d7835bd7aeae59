"""The embedded playground: an API server in this process, where no real one can be had.

Its defaults are the product's own table of what Kubernetes' API server fills in.
"""

import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from reconciler.bootstrap import open_source
from reconciler.builtin import bundled_schema
from reconciler.core.normalize import expect
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.settings import Settings, SourceSettings, TargetSettings
from tests.demo.edits import NAMESPACE, Edit
from tests.fakes.cluster import FakeCluster
from tests.fakes.embedded import EmbeddedServer
from tests.fakes.kinds import BUILTIN
from tests.fakes.store import ObjectStore


class EmbeddedPlayground(AbstractContextManager["EmbeddedPlayground"]):
    """A small API server over a cluster in memory; edits by hand are done in that memory."""

    def __init__(self, folder: Path) -> None:
        self._cluster = FakeCluster()
        self._cluster.store = _Store(BUILTIN, _defaults)
        self._server = EmbeddedServer(self._cluster, folder)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    @property
    def described(self) -> str:
        """What it is."""
        return "an embedded API server (`make demo CLUSTER=real` builds a real one)"

    @property
    def by_hand(self) -> str:
        """Without kubectl."""
        return "No kubectl is run: the server does itself what the commands below would."

    @property
    def kubeconfig(self) -> Path:
        """Written when the server starts."""
        return self._server.kubeconfig

    def apply(self, folder: Path) -> None:
        """Makes what the folder's manifests declare."""
        source = SourceSettings(str(folder.parent), path=folder.name)
        cache = Settings(cache_dir=str(self.kubeconfig.parent / "cache" / "plumbline"))
        rendered = open_source(cache, TargetSettings(NAMESPACE, source), lambda: NAMESPACE).fetch()
        for manifest in rendered.manifests:
            self._cluster.add(manifest.body, "kubectl")

    def edit(self, edit: Edit) -> None:
        """Does in memory what the edit's command would do."""
        if edit.made is not None:
            self._cluster.add(edit.made, edit.manager)
            return
        key = next(
            key
            for key in self._cluster.store.objects
            if (key.kind, key.name) == (edit.kind, edit.name)
        )
        if edit.change is None:
            self._cluster.remove(key)
        else:
            self._cluster.edit(edit.manager or "kubectl", key, edit.change)

    def dump(self, file: Path) -> None:
        """Writes all of the shop's objects, as one list."""
        items = [body for key, body in self._cluster.objects().items() if _is_shop_s(key)]
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


class _Store(ObjectStore):
    """Tells the real time, so that ages are as people expect them."""

    def _now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_shop_s(key: ResourceKey) -> bool:
    return NAMESPACE in (key.namespace, key.name)


def _defaults(body: JsonObject) -> None:
    """Fills in what the API server would, in place."""
    node = bundled_schema().node(body["apiVersion"], body["kind"])
    empty = {**body, "metadata": {"name": metadata_of(body).get("name")}}
    for name in body.keys() - {"apiVersion", "kind", "metadata"}:
        empty.pop(name)
    made = expect(body, empty, node).body
    body |= {name: value for name, value in made.items() if name != "metadata"}
    if body["kind"] == "Namespace":
        labels = body["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = body["metadata"]["name"]
