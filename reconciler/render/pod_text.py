"""What drifted in one pod as lines for a terminal, below the object whose pod it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Final, TypeAlias

from reconciler.core.containers import ContainerDrift
from reconciler.core.drift import Drift
from reconciler.render.ages import ago
from reconciler.render.changes import FOUND, INDENT, changes_lines
from reconciler.render.containers import drift_lines, without_folders
from reconciler.render.credits import actor_and_when, credit
from reconciler.render.in_pods import STATES, Pod, worst_of
from reconciler.render.summaries import INKS
from reconciler.render.terminal import (
    MIN_WIDTH,
    Cell,
    Ink,
    Line,
    Span,
    Style,
    flow,
    line_width,
    truncated,
)

#: How far a pod's lines stand below those of the object whose pod it is.
_INDENT: Final = 2
#: A drift, and what was seen in its container.
_Seen: TypeAlias = tuple[Drift, ContainerDrift]
#: So many drifts of one container are shown, unless all is asked for.
_SHOWN: Final = 20


def pod_lines(pod: Pod, style: Style, now: datetime) -> list[Line]:
    """Writes what drifted in a pod: of the pod itself, then container by container.

    Args:
        pod: Its drifts.
        style: How to write.
        now: The time of reading, with its zone.
    """
    if not style.width:
        return [_shifted(line) for line in _lines(pod, style, now)]
    if style.columns - _INDENT < MIN_WIDTH:
        return [_cut(line, style.columns) for line in _lines(pod, style, now)]
    narrow = replace(style, width=style.columns - _INDENT)
    return [_shifted(_cut(line, narrow.columns)) for line in _lines(pod, narrow, now)]


def _lines(pod: Pod, style: Style, now: datetime) -> Iterator[Line]:
    worst = worst_of(pod)
    cells = [
        Cell((Span("✗ ", Ink.RED), Span(str(pod[0].key), Ink.BOLD))),
        Cell((Span(worst, INKS[worst]),)),
    ]
    since = min(filter(None, (drift.first_seen for drift in pod)), default="")
    if since:
        cells.append(Cell((Span(f"first seen {ago(since, now)}", Ink.DIM),)))
    yield from flow(cells, style, hanging=4)
    for drift in pod:
        if drift.seen is not None:
            continue
        credits = [credit(change, now) for change in drift.changes]
        yield from changes_lines(drift.changes, credits, style, FOUND)
        if not drift.changes:
            state = "; ".join(filter(None, (f"it {STATES[drift.type]}", drift.note)))
            yield from flow([Cell((Span(state),))], style, indent=INDENT, hanging=INDENT)
    seen = [(drift, drift.seen) for drift in pod if drift.seen is not None]
    for name, drifts in groupby(sorted(seen, key=_container), key=_container):
        yield from _container_lines(name, list(drifts), style, now)


def _container(seen: _Seen) -> str:
    container = seen[0].container
    return container.container if container is not None else ""


def _container_lines(name: str, drifts: list[_Seen], style: Style, now: datetime) -> Iterator[Line]:
    container = drifts[0][0].container
    cells = [Cell((Span("in the container "), Span(name, Ink.BOLD)))]
    if container is not None:
        about = [container.image, container.image_digest[:19], container.container_id[:12]]
        about.append(f"on {container.node}" if container.node else "")
        cells.append(Cell((Span(" · ".join(filter(None, about)), Ink.DIM),)))
    yield from flow(cells, style, indent=_INDENT, hanging=4)
    told = drifts if style.full else _without_folders(drifts)
    shown = told if style.full else told[:_SHOWN]
    for drift, what in shown:
        yield from drift_lines(what, style, now)
        if drift.actor is not None:
            text = f"asked for by {actor_and_when(drift.actor, now)}"
            yield from flow([Cell((Span(text),))], style, indent=10, hanging=12)
    if len(shown) < len(told):
        more = f"… ({len(told) - len(shown)} more: --full or -o json shows all)"
        yield from flow([Cell((Span(more, Ink.DIM),))], style, indent=_INDENT, hanging=4)


def _without_folders(drifts: list[_Seen]) -> list[_Seen]:
    kept = {id(what) for what in without_folders([what for _, what in drifts])}
    return [(drift, what) for drift, what in drifts if id(what) in kept]


def _cut(line: Line, columns: int) -> Line:
    """Cuts a line of a file, which isn't laid out, to the width that there is."""
    if line_width(line) <= columns:
        return line
    return (Span(truncated("".join(span.text for span in line), columns), line[-1].ink),)


def _shifted(line: Line) -> Line:
    return (Span(" " * _INDENT), *line) if line else line
