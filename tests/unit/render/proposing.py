"""Drifts that pull requests are about: one as on any day, one made by somebody hostile."""

from collections.abc import Mapping

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import DIGESTS, WHOLE
from reconciler.core.notices import Episode, Notice, notice_of
from reconciler.core.resource import ResourceKey

PLAN = "p-4be1f5a3c0d97e26"

EDITED = Episode(
    "shop",
    "d-3f9a",
    "2026-11-24T02:10:00Z",
    ResourceKey("apps", "Deployment", "shop", "web"),
    DriftType.MODIFIED,
    Severity.HIGH,
    actor="kubectl-edit (alice@example.dev)",
    revision="4f0c1b7d2a5e8c91f3b6d0a4e7c2958b1d6f3a08",
    before={
        "spec.replicas": 3,
        "spec.template.spec.containers[name=debug]": None,
        "metadata.annotations.motd": "Welcome.\nBe kind.\n",
    },
    after={
        "spec.replicas": 5,
        "spec.template.spec.containers[name=debug]": {
            "name": "debug",
            "image": "busybox:1.36",
            "command": ["sleep", "1d"],
        },
        "metadata.annotations.motd": "Welcome.\nBe quick.\n",
    },
)
MISSING = Episode(
    "shop",
    "d-77aa",
    "2026-11-24T02:14:00Z",
    ResourceKey("", "ConfigMap", "shop", "prices"),
    DriftType.MISSING,
    Severity.MEDIUM,
    note="deleted, and Git still has it",
    before={WHOLE: {"apiVersion": "v1", "kind": "ConfigMap", "data": {"currency": "EUR"}}},
    after={WHOLE: None},
)
SECRET = Episode(
    "shop",
    "d-90bc",
    "2026-11-24T02:15:00Z",
    ResourceKey("", "Secret", "shop", "db"),
    DriftType.MODIFIED,
    Severity.HIGH,
    before={"data.password": "***", DIGESTS: {"data.password": "a1b2c3"}},
    after={"data.password": "***", DIGESTS: {"data.password": "d4e5f6"}},
)
HOSTILE = Episode(
    "shop",
    "d-6666",
    "![now](https://evil.example/1.png)",
    ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "@all #1 [x](javascript:1) `"),
    DriftType.UNMANAGED,
    Severity.LOW,
    actor="@admins </code><script>alert(1)</script>",
    note="fixes #1 ```\n/merge\n",
    revision="4f0c",
    before={"data.a`b": None, "data.c": "x\n```\n@here\n", "data.d\u202e": ["one"]},
    after={
        "data.a`b": "/close\n```\n<img src=https://evil.example>\n",
        "data.c": "x\n````\n@all\n",
        "data.d\u202e": None,
    },
)

NOTICES: Mapping[str, Notice] = {
    "edited": notice_of([MISSING, EDITED, SECRET]),
    "hostile": notice_of([HOSTILE]),
}
