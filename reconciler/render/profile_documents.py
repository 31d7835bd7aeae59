"""Profiles of images as a file in Git, and what was learned, for people and as a pull request.

The same profiles always make the same text.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.core.learned import MOST_TOLD, MOST_WINDOWS, Window
from reconciler.core.learning import LeftOut
from reconciler.core.profiles import PROFILES, ImageProfile, Profiles
from reconciler.core.resource import JsonObject
from reconciler.render.json_values import encodable
from reconciler.render.summaries import counted
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted

#: So much of what is left out is shown, unless all is asked for.
_LEFT: Final = 20


def profiles_text(profiles: Profiles, windows: Sequence[Window] = ()) -> str:
    """Writes a file of profiles, with what they were learned from, if that is to be remembered."""
    return json.dumps(profiles_document(profiles, windows), indent=2, ensure_ascii=False) + "\n"


def profiles_document(profiles: Profiles, windows: Sequence[Window] = ()) -> JsonObject:
    """Gives profiles as a JSON object."""
    document: JsonObject = {
        "schema": PROFILES,
        "profiles": [_profile(each) for each in profiles.images],
    }
    if windows:
        document["learned"] = [_window(each) for each in windows[-MOST_WINDOWS:]]
    return document


def _profile(profile: ImageProfile) -> JsonObject:
    held: dict[str, Any] = {"image": profile.image}
    if profile.until is not None:
        held["until"] = profile.until.isoformat()
    held["write"] = [
        {"path": each.path, "reason": each.reason}
        | ({"until": each.until.isoformat()} if each.until is not None else {})
        for each in profile.write
    ]
    if profile.execute is not None:
        held["execute"] = list(profile.execute)
    return held


def _window(window: Window) -> JsonObject:
    return {
        "node": encodable(window.node),
        "since": window.since,
        "until": window.until,
        "images": [
            {
                "image": encodable(each.image),
                "containers": [encodable(name) for name in each.containers[:MOST_TOLD]],
                "files": each.files,
                "programs": each.programs,
            }
            for each in window.images
        ],
        "left": [
            {"image": encodable(each.image), "path": encodable(each.path), "why": each.why}
            for each in window.left[:MOST_TOLD]
        ],
        "unknown": [encodable(each) for each in window.unknown[:MOST_TOLD]],
    }


def learned_text(windows: Sequence[Window], added: Profiles, file: str, style: Style) -> str:
    """Writes what was learned, and what wasn't, for a terminal.

    Args:
        windows: What was seen, on each machine.
        added: What the file didn't allow before.
        file: Where it was written.
        style: How it is shown.
    """
    lines: list[Line] = []
    for window in windows:
        containers = sum(len(each.containers) for each in window.images)
        seen = f"{counted(containers, 'container')} of {counted(len(window.images), 'image')}"
        title = f"Learned from {seen} on {window.node}, {window.since} to {window.until}"
        lines += flow([Cell((Span(title, Ink.BOLD),))], style, hanging=2)
    for each in added.images:
        lines += flow([Cell((Span("+ ", Ink.GREEN), Span(each.image, Ink.BOLD)))], style)
        for words in _added(each):
            lines += flow([Cell((Span(words),))], style, indent=4, hanging=6)
    if not added.images:
        lines += flow([Cell((Span("Nothing that isn't allowed already"),))], style)
    lines += _left_lines(sorted({each for window in windows for each in window.left}), style)
    for why in (f"{window.node}: {why}" for window in windows for why in window.unknown):
        lines += flow([Cell((Span("unknown ", Ink.YELLOW), Span(why)))], style, hanging=10)
    told = f"Written to {file}. It allows nothing by that: propose it with `plumbline propose "
    told += f"--mode profile --learned {file}`, or read it with --profiles."
    lines += [(), *flow([Cell((Span(told, Ink.DIM),))], style, hanging=2)]
    return painted(lines, style)


def _added(profile: ImageProfile) -> Iterator[str]:
    for rule in profile.write:
        yield f"write {rule.path}  {rule.reason}"
    for path in profile.execute or ():
        yield f"execute {path}"


def _left_lines(left: Sequence[LeftOut], style: Style) -> Iterator[Line]:
    if not left:
        return
    yield from flow([Cell((Span("Left out: stays drift", Ink.BOLD),))], style)
    shown = left if style.full else left[:_LEFT]
    for each in shown:
        place = " ".join(filter(None, (each.image, each.path)))
        yield from flow(
            [Cell((Span("- "), Span(f"{place}: {each.why}")))], style, indent=2, hanging=4
        )
    if len(shown) < len(left):
        yield from flow([Cell((Span(f"… ({len(left) - len(shown)} more)"),))], style, indent=2)
