"""Dumps that the real kubectl writes hold what the API itself gives."""

from pathlib import Path

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.dump import DumpLive
from reconciler.core.live import Listing
from reconciler.core.resource import JsonObject
from reconciler.core.schema import Schema
from tests.fakes.kinds import named
from tests.tools.controlplane import ControlPlane

#: Strings that a reader of YAML could take for something else.
STRINGS = {
    "a": "yes",
    "b": "0o17",
    "c": "1e3",
    "d": "2026-11-24",
    "e": "=",
    "f": "1:30",
    "g": "0777",
    "h": "null",
    "i": " spaces and\nlines\n\n",
    "j": "\u0007 bell and ünïcode 🚢",
    "k": "1_000",
    "l": "<<",
    "m": "",
    "n": "~",
    "o": "0x1F",
    "p": ".inf",
    "q": "1e+06",
}


def body(namespace: str) -> JsonObject:
    metadata = {"name": "strings", "namespace": namespace, "labels": {"on": "1.0"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": STRINGS}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_dump_is_what_the_api_gives(
    form: str, admin: KubeCluster, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    config_map, account = named("ConfigMap"), named("ServiceAccount")
    admin.writes.create(config_map, body(namespace))
    text = control_plane.kubectl(
        *("get", "configmaps,serviceaccounts", "-n", namespace, "-o", form, "--show-managed-fields")
    ).stdout
    file = tmp_path / f"dump.{form}"
    file.write_text(text)
    with file.open("rb") as stdin:
        dump = DumpLive.open(str(file), stdin=stdin, bundled=lambda: Schema({}))
    asked = [Listing(kind, frozenset({namespace})) for kind in (config_map, account)]
    assert dump.read(asked) == admin.read(asked)
    names = {key for key, kind in dump.catalog().kinds.items() if kind.namespaced}
    assert names == {("v1", "ConfigMap"), ("v1", "ServiceAccount")}


def test_a_custom_kinds_large_numbers_survive_yaml(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    metadata = "metadata: {name: x}"
    shown = control_plane.kubectl(
        *("create", "--dry-run=client", "--validate=false", "-o", "yaml", "-f", "-"),
        input=f'apiVersion: v1\nkind: ConfigMap\n{metadata}\ndata: {{a: "1e+06"}}\n',
    ).stdout
    file = tmp_path / "dump.yaml"
    file.write_text(f"{shown}large: 1e+06\nsmall: -1.5e-07\nwhole: 12\n")
    with file.open("rb") as stdin:
        dump = DumpLive.open(str(file), stdin=stdin, bundled=lambda: Schema({}))
    [(_, _, found)] = dump.read([Listing(named("ConfigMap"))]).each()
    assert found["data"] == {"a": "1e+06"}
    assert (found["large"], found["small"], found["whole"]) == (1e6, -1.5e-7, 12)
