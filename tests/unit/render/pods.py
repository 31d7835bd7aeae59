"""A look into pods that the golden files show: of a drifted Deployment, of one that isn't, bare."""

from dataclasses import replace

from reconciler.core.actors import Actor
from reconciler.core.containers import (
    ContainerDrift,
    ContainerRef,
    FileDrift,
    FileState,
    FileType,
    Listener,
    Origin,
    Parent,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity, StaleImage
from reconciler.core.in_containers import type_of
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item
from reconciler.core.ranking import drift_id
from reconciler.core.resource import ResourceKey

WEB = ResourceKey("apps", "Deployment", "shop", "web")
STORE = ResourceKey("apps", "StatefulSet", "shop", "store")
POD = ResourceKey("", "Pod", "shop", "web-5d8f-abcde")
PLACE = SourceLocation("apps/web.yaml", 12)
BY_HAND = FieldManager("2026-11-24T11:50:00Z", "kubectl-patch", "Update")
CONTAINER = ContainerRef(
    "shop", POD.name, "u-1", "web", "c" * 64, "shop/web:1", f"sha256:{'d' * 64}", "node-1"
)
_IMAGE = FileState(FileType.REGULAR, 0o644, 0, 0, 11, "2026-11-01T11:00:00Z", "a" * 64)
_NEW = FileState(FileType.REGULAR, 0o755, 0, 0, 70_000, "2026-11-24T11:58:00Z", "b" * 64)
_LINK = FileState(FileType.SYMLINK, 0o777, 0, 0, target="/tmp/\udcffx")
_DEVICE = FileState(FileType.BLOCK, 0o600, 0, 0, capabilities="01", device="8:0")
JANE = Actor("jane@example.org", ("sre",), ("10.0.0.7",), "kubectl/v1.34", verb="create")


def seen(what: ContainerDrift, pod: ResourceKey = POD, owner: ResourceKey | None = WEB) -> Drift:
    """Makes the drift of what was seen in a pod's only container."""
    container = replace(CONTAINER, namespace=pod.namespace, pod=pod.name)
    return Drift(
        id=drift_id(container, what),
        type=type_of(what),
        severity=what.severity,
        key=pod,
        api_version="v1",
        uid="u-1",
        source=PLACE if owner else None,
        first_seen="2026-11-24T11:58:30Z",
        container=container,
        seen=what,
        owner=owner,
    )


EVIL = FileDrift(
    "/usr/bin/evil", ChangeType.ADDED, Severity.HIGH, "executable", None, _NEW, note="setuid"
)
CONF = FileDrift(
    "/etc/app.conf",
    ChangeType.CHANGED,
    Severity.MEDIUM,
    "configuration",
    _IMAGE,
    replace(_IMAGE, size=12, sha256="e" * 64),
    "@@ -1 +1 @@\n-colour = blue\n+colour = red" + "!" * 300,
)
PROCESS = ProcessDrift(
    70,
    7,
    "/usr/bin/evil",
    Origin.ADDED,
    ("evil", "--password", "***", "\x1b[31m\udcff"),
    "0",
    "2026-11-24T11:58:10Z",
    Severity.HIGH,
    "/tmp/lib.so",
    (Parent(60, "sh"), Parent(1, "shim")),
    "on emptyDir x",
)
SESSION = SessionDrift(
    "exec", 60, 6, "0", ("sh", "-i"), "2026-11-24T11:58:00Z", Severity.MEDIUM, note="by runc"
)
PORT = PortDrift(Listener("TCP", "0.0.0.0", 4444, 70), Severity.MEDIUM)
SPEC = Drift(
    "d-0000000000aa",
    DriftType.POD_SPEC,
    Severity.HIGH,
    POD,
    "v1",
    "u-1",
    PLACE,
    (
        Change(
            ("spec", "containers", Item((("name", "web"),)), "image"),
            ChangeType.CHANGED,
            "shop/web:1",
            "shop/web:hot",
            BY_HAND,
        ),
    ),
    note="of Deployment shop/web",
    first_seen="2026-11-24T11:50:10Z",
    owner=WEB,
)
LINK = FileDrift("/etc/a\nb\udcff", ChangeType.REMOVED, Severity.LOW, "link", _LINK, None)
DEVICE = FileDrift("/dev/x", ChangeType.ADDED, Severity.HIGH, "device", None, _DEVICE)
STALE = Drift(
    "d-0000000000ab",
    DriftType.IMAGE,
    Severity.LOW,
    STORE,
    "apps/v1",
    "u-9",
    PLACE,
    note="store: built 200 days ago, 90 days are allowed",
    first_seen="2026-11-24T11:40:00Z",
    owner=STORE,
    image=StaleImage(
        "store", "shop/store:2", (f"sha256:{'e' * 64}",), "shop/store:3", 17_280_000, "old"
    ),
)
DRIFTS = (
    SPEC,
    seen(EVIL),
    seen(PROCESS),
    seen(CONF),
    replace(seen(SESSION), actor=JANE),
    seen(PORT),
    seen(LINK, ResourceKey("", "Pod", "shop", "store-0"), STORE),
    seen(DEVICE, ResourceKey("", "Pod", "shop", "bare"), None),
    STALE,
)
