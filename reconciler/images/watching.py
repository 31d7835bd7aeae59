"""Looks at a target's images now and then, for the controller."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from reconciler.bootstrap import Opened
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.images.report import ImageReport
from reconciler.images.freshness import look_at_images
from reconciler.images.registries import watchman_of
from reconciler.keeper import Keeper
from reconciler.settings import ImageSettings, Settings
from reconciler.settings.durations import seconds_of

#: Seconds below which registries would refuse to be asked.
_SHORTEST: Final = 60.0


class ImageWatch:
    """Remembers the last look at a target's images.

    Args:
        look: Looks at them: reads the cluster, and asks registries.
        say: Tells in the log what couldn't be looked at.
    """

    def __init__(self, look: Callable[[], ImageReport], say: Callable[..., None]) -> None:
        self._look = look
        self._say = say
        self._lock = threading.Lock()
        self._last: ImageReport | None = None

    def latest(self) -> ImageReport:
        """Gives the last look; the first one is made now, as nothing is known before.

        Raises:
            PlumblineError: Git or the cluster couldn't be read at all.
        """
        with self._lock:
            if self._last is None:
                self._last = self._look()
            return self._last

    @property
    def checked_at(self) -> str:
        """When the last look was made, RFC 3339; empty before the first."""
        return self._last.checked_at if self._last is not None else ""

    def refresh(self) -> None:
        """Looks anew, where anybody has asked before; where that fails, what was seen stays."""
        if self._last is None:
            return
        try:
            seen = self._look()
        except PlumblineError as error:
            self._say("images could not be looked at", error=str(error))
            return
        with self._lock:
            self._last = seen


def watch_images(
    settings: Settings, keeper: Keeper, opened: Opened, say: Callable[..., None]
) -> ImageWatch:
    """Has a keeper look at its target's images, too.

    Args:
        settings: Which registries, and what is wanted.
        keeper: Keeps the target.
        opened: The same target, whose sides nobody watches.
        say: Tells in the log what couldn't be looked at.

    Raises:
        ConfigError: A policy or a registry isn't as it must be; the message names it.
    """
    watchman = watchman_of(settings, opened.cluster)
    watch = ImageWatch(lambda: look_at_images(opened.target, watchman), say)
    before = keeper.stamp

    def stamp() -> object | None:
        said = before()
        return None if said is None else (said, watch.checked_at)

    keeper.target = replace(keeper.target, images=watch.latest)
    keeper.stamp = stamp
    return watch


def image_interval(settings: ImageSettings) -> float:
    """Gives how often images are looked at, in seconds; 0 for never.

    Raises:
        ConfigError: That is no duration, or registries would be asked all the time.
    """
    seconds = seconds_of("images.interval", settings.interval)
    if settings.interval and seconds < _SHORTEST:
        raise ConfigError(
            f"images.interval: {settings.interval} is too short", fix="write 1m or longer"
        )
    return seconds
