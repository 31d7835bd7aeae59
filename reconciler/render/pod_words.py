"""What drifted in pods as harmless plain lines, for formats that know neither width nor colour."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from reconciler.core.container_fields import place_of
from reconciler.core.containers import FileDrift
from reconciler.core.drift import Drift
from reconciler.render.containers import drift_lines
from reconciler.render.credits import actor_and_when
from reconciler.render.in_pods import STATES, Pod, worst_of
from reconciler.render.pod_text import pod_lines
from reconciler.render.terminal import Line, Style, safe

_PLAIN: Final = Style(colour=False, width=0)


def seen_title(drift: Drift) -> str:
    """Says in a few words what was seen in a container."""
    whose = f" of {drift.owner}" if drift.owner is not None else ""
    change = f"{drift.seen.change} file " if isinstance(drift.seen, FileDrift) else ""
    state = change or f"{STATES[drift.type]}: "
    return safe(f"{state}{place_of(drift)}{whose}")


def seen_lines(drift: Drift, now: datetime) -> Iterator[str]:
    """Says what is known of what was seen in a container, and of who asked for it."""
    if drift.container is not None:
        image = " ".join(filter(None, (drift.container.image, drift.container.image_digest)))
        yield safe(f"in {drift.container}, image {image or 'unknown'}, on {drift.container.node}")
    if drift.seen is not None:
        yield from (_text(line).strip() for line in drift_lines(drift.seen, _PLAIN, now))
    if drift.actor is not None:
        yield f"asked for by {actor_and_when(drift.actor, now)}"


def pod_title(pod: Pod) -> str:
    """Says in a few words which pod it is, how many things drifted in it, and how bad it is."""
    count = "1 drift" if len(pod) == 1 else f"{len(pod):,} drifts"
    whose = f" of {pod[0].owner}" if pod[0].owner is not None else ""
    return safe(f"{pod[0].key}{whose} — {count}, {worst_of(pod)}")


def pod_block(pod: Pod, now: datetime) -> list[str]:
    """Writes what drifted in a pod as harmless lines."""
    return [_text(line) for line in pod_lines(pod, _PLAIN, now)]


def _text(line: Line) -> str:
    return "".join(span.text for span in line).rstrip(" ")
