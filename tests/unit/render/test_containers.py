"""A look at containers as text and as data."""

import json
from dataclasses import replace

import jsonschema
import pytest

from reconciler.core.containers import (
    ContainerLook,
    ContainerRef,
    Expected,
    FileDrift,
    FileState,
    FileType,
    Listener,
    NodeLook,
    Origin,
    Outside,
    Parent,
    PortDrift,
    ProcessDrift,
    SessionDrift,
    WrittenPlace,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.resource import JsonObject
from reconciler.core.sightings import Occurrence, Sighting
from reconciler.render.container_documents import node_document, sighting_document
from reconciler.render.container_schema import containers_schema, sighting_schema
from reconciler.render.containers import node_text
from reconciler.render.serialized import json_text
from reconciler.render.terminal import Style
from tests.unit.render.cases import NOW
from tests.unit.render.test_harmless import harmful
from tests.unit.render.test_json_schema import _closed, _described, _names

STYLE = Style(False, 100)
EVIL = "/a\n\x1b[31m\udcff"
WAS = FileState(FileType.REGULAR, 0o644, 0, 0, 11, "2026-11-24T11:00:00Z", "a" * 64)
NOW_IS = replace(WAS, size=5, sha256="b" * 64, mode=0o4755, capabilities="0100")
TEXT = "\n".join(["@@ -1 +1 @@", "-was", "+now", *(" same" for _ in range(20))])
FILES = (
    FileDrift("/lib/a.so", ChangeType.CHANGED, Severity.HIGH, "library", WAS, NOW_IS, TEXT),
    FileDrift("/etc/a", ChangeType.REMOVED, Severity.MEDIUM, "configuration", WAS, None, note="n"),
    FileDrift("/usr/d", ChangeType.ADDED, Severity.LOW, "directory", None,
              FileState(FileType.DIRECTORY, 0o755, 0, 0)),
    FileDrift(f"/usr/d{EVIL}", ChangeType.ADDED, Severity.LOW, "new file", None,
              FileState(FileType.SYMLINK, 0o777, 0, 0, target=EVIL)),
    FileDrift("/usr/x", ChangeType.ADDED, Severity.HIGH, "device", None,
              FileState(FileType.BLOCK, 0o600, 0, 0, device="8:0", capabilities="01")),
    FileDrift("/usr/big", ChangeType.CHANGED, Severity.MEDIUM, "of the image",
              replace(WAS, sha256=""), replace(WAS, size=6)),
)  # fmt: skip
PROCESS = ProcessDrift(
    70, 7, "/bin/sh", Origin.SCRIPT, ("sh", EVIL), "0", "2026-11-24T11:58:00Z", Severity.HIGH,
    "/tmp/s", (Parent(60, "init"), Parent(1, "shim")), "on emptyDir x",
)  # fmt: skip
BARE = ProcessDrift(71, 8, "/x", Origin.ADDED, (), "0", "", Severity.HIGH)
LONG = replace(BARE, pid=72, command=("x" * 500,))
SESSIONS = tuple(
    SessionDrift(verb, 80, 9, "0", ("sh",), "2026-11-24T11:59:00Z", Severity.MEDIUM)
    for verb in ("exec", "enter")
)
PORTS = tuple(
    PortDrift(Listener("TCP", address, 99, 70), Severity.LOW) for address in ("::", "0.0.0.0")
)
WEB = ContainerRef("shop", "web", "u-1", "app", "c" * 64, "web:1", "sha256:" + "d" * 64, "vm")
DRIFTED = ContainerLook(
    WEB,
    (PROCESS, BARE, LONG, *SESSIONS, *PORTS, *FILES),
    (Expected("temporary", "why", 2, 30),),
    (PORTS[0].listener,),
    (Outside("/scratch", "emptyDir scratch", True),),
    tuple(f"/u{number}: not read" for number in range(10)),
    "2026-11-25T08:00:00Z",
    (WrittenPlace("/tmp", 2, True, False),),
)
QUIET = ContainerLook(replace(WEB, pod="quiet"))
UNKNOWN = ContainerLook(ContainerRef("", "", "", "", "e" * 64), unknown=("its root is btrfs",))
LOOK = NodeLook("vm", "2026-11-24T12:00:00Z", (DRIFTED, UNKNOWN, QUIET), ("x ended",))


def shown(look: NodeLook, style: Style = STYLE) -> str:
    return node_text(look, style, NOW)


def test_the_worst_is_told_in_a_form_to_act_on() -> None:
    lines = shown(LOOK).splitlines()
    assert lines[0].startswith("✗ shop/web/app  web:1 · sha256:ddd")
    assert lines[1:5] == [
        "  high    runs /bin/sh with a script that the image doesn't hold: /tmp/s",
        r"          $ sh '/a\n\x1b[31m\udcff'",
        "          pid 70 (7 inside) · user 0 · started 2 minutes ago · on emptyDir x",
        "          from init (60) ← shim (1)",
    ]
    text = " ".join("\n".join(lines).split())
    assert "runs /x, which the image doesn't hold" in text
    assert "listens on [::]:99" not in text
    assert "listens on TCP [::]:99, declared nowhere" in text
    assert "mode 0644 → 4755 · bytes 11 → 5 · sha256 aaaaaaaaaaaa… → bbbbbbbbbbbb…" in text
    assert "capabilities none → 0100" in text
    assert "sha256 unknown → aaaaaaaaaaaa…" in text
    assert "… (11 more lines)" in text
    assert "… (2 more that couldn't be told)" in text
    assert "expected differences, not shown: 2 temporary" in text
    assert "✓ shop/quiet" not in text
    assert lines[-1] == (
        "✗ vm: 3 containers, 1 as the image says, 1 drifted (5 high, 4 medium, 4 low), "
        "2 not fully told"
    )


def test_all_is_shown_where_all_is_asked_for() -> None:
    text = shown(LOOK, replace(STYLE, full=True))
    assert "✓ shop/quiet/app" in text
    assert "not of the image: /scratch (emptyDir scratch)" in text
    assert "more" not in text


def test_a_directory_is_left_out_where_its_files_are_told() -> None:
    folder, inner = FILES[2], replace(FILES[4], path="/usr/d/e/x")
    text = shown(replace(LOOK, looks=(ContainerLook(WEB, (folder, inner)),)))
    assert "added /usr/d " not in text
    text = shown(replace(LOOK, looks=(ContainerLook(WEB, (folder,)),)))
    assert "added /usr/d " in text


def test_many_drifts_are_cut_short_and_counted() -> None:
    many = tuple(replace(FILES[1], path=f"/etc/{number}") for number in range(30))
    text = shown(replace(LOOK, looks=(ContainerLook(WEB, many),)))
    assert "… (more: 10 medium; --full or -o json shows all)" in text


def test_what_is_well_and_what_is_unknown_are_told_apart() -> None:
    assert shown(NodeLook("vm", "", (QUIET,))) == "✓ vm: 1 container, 1 as the image says\n"
    assert shown(NodeLook("vm", "", ())) == "✓ vm: no container runs here\n"
    lines = shown(NodeLook("vm", "", (UNKNOWN,))).splitlines()
    assert lines[0] == "? eeeeeeeeeeee  eeeeeeeeeeee"
    assert lines[1] == "  unknown its root is btrfs"
    assert lines[-1] == "? vm: 1 container, 0 as the image says, 1 not fully told"


def test_what_a_container_names_itself_harms_no_reader() -> None:
    document = json_text(node_document(LOOK))
    for text in (shown(LOOK), shown(LOOK, Style(False, 40, full=True)), document):
        assert not harmful(text.replace("\n", ""))


def test_the_document_has_what_the_design_says() -> None:
    document = json.loads(json_text(node_document(LOOK)))
    assert document["schema"] == "plumbline.dev/containers/v1"
    counts = {"containers": 3, "asTheirImages": 1, "drifted": 1, "unknown": 2}
    assert document["summary"] == counts
    kinds = {drift["type"]: drift for drift in document["drifts"]}
    assert kinds.keys() == {"File", "Process", "Session", "Port"}
    for drift in document["drifts"]:
        assert drift["container"] == {
            "namespace": "shop",
            "pod": "web",
            "podUid": "u-1",
            "container": "app",
            "containerId": "c" * 64,
            "image": "web:1",
            "imageDigest": "sha256:" + "d" * 64,
            "node": "vm",
        }
        assert drift["resource"]["kind"] == "Pod"
    changed = next(each for each in document["drifts"] if each.get("path") == "/lib/a.so")
    assert changed["change"] == "changed"
    assert (changed["was"]["mode"], changed["now"]["mode"]) == ("0644", "4755")
    assert changed["now"]["capabilities"] == "0100"
    assert changed["textDiff"] == TEXT
    process = next(each for each in document["drifts"] if each.get("pid") == 70)
    assert process["origin"] == "script"
    assert process["parents"] == [{"pid": 60, "name": "init"}, {"pid": 1, "name": "shim"}]
    device = next(each for each in document["drifts"] if each.get("path") == "/usr/x")
    assert device["now"]["device"] == "8:0"


def test_what_is_not_known_is_null() -> None:
    look = ContainerLook(UNKNOWN.container, (PORTS[0],))
    (drift,) = node_document(NodeLook("vm", "", (look,)))["drifts"]
    assert drift["resource"] is None
    assert drift["container"]["pod"] is None
    assert (drift["port"], drift["protocol"], drift["address"]) == (99, "TCP", "::")


SIGHTINGS = (
    *(Sighting(Occurrence.NEW, "t", WEB, drift, "f", note="n") for drift in DRIFTED.drifts),
    Sighting(Occurrence.UNKNOWN, "t", UNKNOWN.container, unknown=("its root is btrfs",)),
)


@pytest.mark.parametrize("schema", [containers_schema(), sighting_schema()])
def test_the_schemas_describe_every_field_and_no_other(schema: JsonObject) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    documents = [node_document(LOOK)]
    if schema == sighting_schema():
        documents = [sighting_document(each) for each in SIGHTINGS]
    closed = jsonschema.Draft202012Validator(_closed(schema))
    for document in documents:
        closed.validate(document)
    objects = {"$defs": {name: each for name, each in schema["$defs"].items() if name != "drift"}}
    described = set(_described({**schema, **objects}))
    assert described <= {name for document in documents for name in _names(document)}
    assert not closed.is_valid({**documents[0], "more": 1})


def test_what_a_watcher_tells() -> None:
    new, *_, unknown = map(sighting_document, SIGHTINGS)
    assert (new["event"], new["at"], new["note"]) == ("new", "t", "n")
    (drift, *_) = node_document(LOOK)["drifts"]
    assert new["drift"] == {**drift, "firstSeen": "f"}
    assert (unknown["drift"], unknown["unknown"]) == (None, ["its root is btrfs"])
