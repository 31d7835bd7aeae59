"""Who did it, as far as the server tells: managers are programs' names, not people's."""

from datetime import datetime

from reconciler.core.drift import Change
from reconciler.core.ownership import FieldManager
from reconciler.render.ages import ago

_UNKNOWN = "an unknown writer"


def who(manager: FieldManager) -> str:
    """Names a manager, and how it wrote where that is out of the ordinary."""
    name = manager.manager or _UNKNOWN
    if manager.subresource:
        name += f" through {manager.subresource}"
    return f"{name} (server-side apply)" if manager.operation == "Apply" else name


def who_and_when(manager: FieldManager, now: datetime) -> str:
    """Names a manager and how long ago it last wrote."""
    return f"{who(manager)}, {ago(manager.time, now)}" if manager.time else who(manager)


def credit(change: Change, now: datetime) -> str:
    """Says who made a change; for a removal, of which no trace is left, who last wrote."""
    if change.by is not None:
        return f"by {who_and_when(change.by, now)}"
    if change.candidates:
        return f"last written by {who_and_when(change.candidates[0], now)}"
    return f"by {_UNKNOWN}"
