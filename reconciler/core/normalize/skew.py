"""Defaults and fields that one server has and another lacks.

The bundled table is one server's. A server fills in its defaults whenever it reads an object from
its store, so a default that is missing from a live object is one that this server doesn't know.
That is used for the defaults of the last years only: a dump that somebody cut by hand should not
pass for an older server's.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.core.schema import Node

#: By type: fields with the values that are filled in since the Kubernetes version behind them.
_NEWER: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "apps/v1.RollingUpdateStatefulSetStrategy": {"maxUnavailable": (1,)},  # 1.35
    "apps/v1.StatefulSetSpec": {
        "persistentVolumeClaimRetentionPolicy": (
            {"whenDeleted": "Retain", "whenScaled": "Retain"},  # 1.27
        )
    },
    "batch/v1.JobSpec": {
        "manualSelector": (False,),  # 1.34
        "podReplacementPolicy": ("TerminatingOrFailed", "Failed"),  # 1.29
    },
    "core/v1.ImageVolumeSource": {"pullPolicy": ("Always", "IfNotPresent")},  # 1.33
    "flowcontrol/v1.LimitedPriorityLevelConfiguration": {"lendablePercent": (0,)},  # 1.26
    "storage/v1.CSIDriverSpec": {
        "preventPodSchedulingIfMissing": (False,),  # 1.35
        "seLinuxMount": (False,),  # 1.27
    },
}

#: Fields that stand behind a feature gate without saying so in their Go types.
_GATED: Mapping[str, frozenset[str]] = {
    "core/v1.Lifecycle": frozenset({"stopSignal"}),
    # Dropped whole where it names a namespace (pkg/api/persistentvolumeclaim, DropDisabledFields).
    "core/v1.PersistentVolumeClaimSpec": frozenset({"dataSourceRef"}),
}


def is_newer_default(node: Node | None, name: str, value: Any) -> bool:
    """Whether a field with this value may be missing because the server is older."""
    struct = node.struct if node is not None else None
    if struct is None:
        return False
    return value in _NEWER.get(struct.type, {}).get(name, ())


def is_gated(node: Node | None, name: str) -> bool:
    """Whether a field that is declared may be missing because a feature gate is off."""
    struct = node.struct if node is not None else None
    if struct is None:
        return False
    return name in struct.gated or name in _GATED.get(struct.type, ())
