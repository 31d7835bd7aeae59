"""How a verb that looks once looks into running pods."""

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.memory import open_history
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.controller import Target


def looking_into_pods(target: "Target", settings: Settings, stack: ExitStack) -> "Target":
    """Gives a target of which a look compares pods, too, and joins what agents said, if any do.

    Args:
        target: What to look at.
        settings: Where agents are heard, and where the controller keeps what they say.
        stack: Is given what must be closed.

    Raises:
        ConfigError: `agents.stale_after` is no duration, or none at all.
        HistoryError: What agents said can't be read.
    """
    if not settings.agents.address:
        return replace(target, pods=True)
    from reconciler.attending import attended

    history = open_history(settings, create=False)
    stack.callback(history.close)
    return attended(target, settings.agents, history)
