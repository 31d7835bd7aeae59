"""Images are looked at now and then, and what was seen stays where that fails."""

from typing import Any

import pytest

from reconciler.core.errors import ClusterError, ConfigError
from reconciler.core.images.report import ImageReport, ImageSummary
from reconciler.images.watching import ImageWatch, image_interval
from reconciler.settings import ImageSettings


class Registry:
    """Answers with one report after the other."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_down = False
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.watch = ImageWatch(self._look, lambda text, **more: self.said.append((text, more)))

    def _look(self) -> ImageReport:
        if self.is_down:
            raise ClusterError("the API server is away")
        self.looks += 1
        return ImageReport("shop", "4f0c", f"look {self.looks}", ImageSummary(0, 0, 0, 0), ())


def test_the_first_look_is_made_when_it_is_wanted_and_no_sooner() -> None:
    made = Registry()
    made.watch.refresh()
    assert (made.looks, made.watch.checked_at) == (0, "")
    assert made.watch.latest().checked_at == "look 1"
    assert made.watch.latest().checked_at == "look 1"
    made.watch.refresh()
    assert (made.watch.latest().checked_at, made.watch.checked_at) == ("look 2", "look 2")


def test_what_was_seen_stays_where_a_look_fails() -> None:
    made = Registry()
    made.is_down = True
    with pytest.raises(ClusterError):
        made.watch.latest()
    made.is_down = False
    made.watch.latest()
    made.is_down = True
    made.watch.refresh()
    assert made.watch.latest().checked_at == "look 1"
    assert made.said == [("images could not be looked at", {"error": "the API server is away"})]


def test_registries_are_not_asked_all_the_time() -> None:
    assert image_interval(ImageSettings()) == 0
    assert image_interval(ImageSettings(interval="6h")) == 21600
    for wrong in ("30s", "0s", "soon"):
        with pytest.raises(ConfigError, match=r"images\.interval"):
            image_interval(ImageSettings(interval=wrong))
