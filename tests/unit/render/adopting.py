"""Adoptions: one as on any day, one of what somebody hostile made."""

from collections.abc import Mapping

from reconciler.core.adoption import Adopted, Adoption, Left
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item
from reconciler.core.resource import ResourceKey

URL = "https://git.example/shop/deploy/pulls/7"
REVISION = "4f0c1b7d2a5e8c91f3b6d0a4e7c2958b1d6f3a08"

_BEFORE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  # enough for the summer
  replicas: 3   # three
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData:
  password: hunter2
"""

EDITED = Drift(
    "d-3f9a",
    DriftType.MODIFIED,
    Severity.HIGH,
    ResourceKey("apps", "Deployment", "shop", "web"),
    "apps/v1",
    first_seen="2026-11-24T02:10:00Z",
    changes=(
        Change(
            ("spec", "replicas"),
            ChangeType.CHANGED,
            3,
            5,
            by=FieldManager(
                manager="kubectl-edit", operation="Update", time="2026-11-24T02:09:00Z"
            ),
        ),
        Change(
            ("spec", "template", "spec", "containers", Item((("name", "debug"),))),
            ChangeType.ADDED,
            None,
            {"name": "debug", "image": "busybox:1.36", "command": ["sleep", "1d"]},
        ),
    ),
)
MISSING = Drift(
    "d-77aa",
    DriftType.MISSING,
    Severity.MEDIUM,
    ResourceKey("", "ConfigMap", "shop", "prices"),
    "v1",
    first_seen="2026-11-24T02:14:00Z",
)
STRAY = Drift(
    "d-88bb",
    DriftType.UNMANAGED,
    Severity.LOW,
    ResourceKey("", "Namespace", "", "stray"),
    "v1",
    by=FieldManager(manager="kubectl-create", operation="Update", time="2026-11-24T02:11:00Z"),
    first_seen="2026-11-24T02:14:00Z",
)
SECRET = Left(
    "d-90bc",
    ResourceKey("", "Secret", "shop", "db"),
    "data.password",
    "its value is a secret, and none is ever written to Git: change it where it is kept",
)
OWNED = Left("d-91bc", ResourceKey("", "Pod", "shop", "x"), "", "another object owns it")

EVIL = "![now](https://evil.example/1.png) @all \x1b[31m"
HOSTILE = Drift(
    "d-6666",
    DriftType.MODIFIED,
    Severity.LOW,
    ResourceKey("", "ConfigMap", "", "@all #1 [x](javascript:1) `"),
    "v1",
    first_seen="![now](https://evil.example/1.png)",
    changes=(
        Change(
            ("data", "a`b"),
            ChangeType.ADDED,
            None,
            "/close\n```\n<img src=https://evil.example>\n",
            by=FieldManager(manager="@admins `x` <script>", operation="Update", time=""),
        ),
    ),
)

ADOPTIONS: Mapping[str, Adoption] = {
    "edited": Adoption(
        "shop",
        REVISION,
        files={
            "apps/web.yaml": _BEFORE.replace("replicas: 3", "replicas: 5"),
            "apps/prices.yaml": None,
            "apps/namespace-stray.yaml": "apiVersion: v1\nkind: Namespace\n",
        },
        before={
            "apps/web.yaml": _BEFORE,
            "apps/prices.yaml": "apiVersion: v1\nkind: ConfigMap",
            "apps/namespace-stray.yaml": None,
        },
        adopted=(
            Adopted(MISSING, ("apps/prices.yaml",)),
            Adopted(EDITED, ("apps/web.yaml",)),
            Adopted(STRAY, ("apps/namespace-stray.yaml",)),
        ),
        left=(SECRET, OWNED),
        secrets=frozenset({"hunter2", "h"}),
    ),
    "hostile": Adoption(
        "@all/shop",
        "4f0c",
        files={f"{EVIL}.yaml": f"a: {EVIL}\n"},
        before={f"{EVIL}.yaml": "a: b\n"},
        adopted=(Adopted(HOSTILE, (f"{EVIL}.yaml",)),),
        left=(Left("d-1", HOSTILE.key, EVIL, f"fixes #1 {EVIL}"),),
    ),
    "nothing": Adoption("shop", REVISION, {}, {}, (), (OWNED,)),
}
