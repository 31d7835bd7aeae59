"""Which drift of a container comes first, and how each is named."""

import hashlib
from typing import assert_never

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    ContainerRef,
    FileDrift,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import Severity

_SEVERITIES = tuple(Severity)


def drift_id(container: ContainerRef, drift: ContainerDrift) -> str:
    """Gives `d-` and 12 hex digits, the same while the drift lasts, whoever looks."""
    match drift:
        case FileDrift():
            what = ("File", drift.path)
        case ProcessDrift():
            what = ("Process", f"{drift.pid} {drift.started_at} {drift.origin} {drift.code}")
        case SessionDrift():
            what = ("Session", f"{drift.pid} {drift.started_at}")
        case PortDrift(listener=listener):
            what = ("Port", f"{listener.protocol} {listener.address} {listener.port}")
        case _:
            assert_never(drift)
    text = "\0".join((container.container_id, *what)).encode("utf-8", "surrogatepass")
    return f"d-{hashlib.blake2b(text, digest_size=6).hexdigest()}"


def worst_first(drifts: tuple[ContainerDrift, ...]) -> tuple[ContainerDrift, ...]:
    """Puts drifts in order: the worst first, what runs before what lies there, then by name."""
    return tuple(sorted(drifts, key=_order))


def worst_looks_first(looks: tuple[ContainerLook, ...]) -> tuple[ContainerLook, ...]:
    """Puts containers in order: the worst drift first, then what is unknown, then by name."""

    def order(look: ContainerLook) -> tuple[int, bool, str, str]:
        worst = min((_SEVERITIES.index(each.severity) for each in look.drifts), default=9)
        return worst, not look.unknown, str(look.container), look.container.container_id

    return tuple(sorted(looks, key=order))


def _order(drift: ContainerDrift) -> tuple[int, int, str, int]:
    rank = _SEVERITIES.index(drift.severity)
    match drift:
        case ProcessDrift():
            return rank, 0, drift.started_at, drift.pid
        case SessionDrift():
            return rank, 1, drift.started_at, drift.pid
        case PortDrift(listener=listener):
            return rank, 2, f"{listener.protocol}{listener.address}", listener.port
        case FileDrift():
            return rank, 3, drift.path, 0
        case _:
            assert_never(drift)
