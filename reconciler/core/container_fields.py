"""What was seen in a container, as the fields and words by which a history tells of it.

A history is kept as UTF-8: bytes of a container that aren't are written as escapes here.
"""

import shlex
from typing import Final, assert_never

from reconciler.core.containers import (
    ContainerDrift,
    FileDrift,
    FileState,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import Drift, Severity
from reconciler.core.resource import JsonObject

#: Characters of a name, and of a value: a history is kept for years.
_NAME: Final = 512
_VALUE: Final = 512


def place_of(drift: Drift) -> str:
    """Names the place of what was seen as `kubectl cp` does: `web:/usr/bin/evil`."""
    container = drift.container.container if drift.container is not None else ""
    match drift.seen:
        case FileDrift(path=path):
            what = path
        case ProcessDrift(executable=executable):
            what = executable
        case SessionDrift(verb=verb):
            what = verb
        case PortDrift(listener=listener):
            what = f"{listener.protocol} {listener.address} {listener.port}"
        case None:
            what = ""
        case _:
            assert_never(drift.seen)
    return _cut(f"{container}:{what}", _NAME)


def was_of(drift: Drift) -> JsonObject:
    """Gives by its place what the image has; None where it has nothing there."""
    was = drift.seen.was if isinstance(drift.seen, FileDrift) else None
    return {place_of(drift): _state(was)}


def now_of(drift: Drift) -> JsonObject:
    """Gives by its place what is there; None where nothing is any more."""
    return {place_of(drift): _now(drift.seen)}


def about(drift: Drift) -> str:
    """Says in which container it was seen, of what, and what a reader must know beside that."""
    if drift.container is None or drift.seen is None:
        return drift.note
    whose = f" of {drift.owner}" if drift.owner is not None else ""
    seen = drift.seen
    details: list[str] = []
    match seen:
        case FileDrift(why=why, note=note):
            details = [why, note]
        case ProcessDrift(origin=origin, note=note):
            details = [f"origin {origin}", note]
        case SessionDrift(note=note):
            details = [note]
        case PortDrift():
            pass
        case _:
            assert_never(seen)
    parts = [f"in the container {drift.container.container}{whose}", *details, drift.note]
    return _cut("; ".join(filter(None, parts)), _VALUE)


def news_of(drift: Drift) -> list[str]:
    """Gives what makes a drift news when it is other than before.

    A log that grows isn't: of what matters least only that it is there, not its content.
    """
    seen = drift.seen
    if not isinstance(seen, FileDrift):
        return [drift.severity.value]
    content = seen.now.sha256 if seen.now is not None and seen.severity is not Severity.LOW else ""
    state = seen.now
    facts = [state.type, f"{state.mode:o}", f"{state.uid}:{state.gid}"] if state is not None else []
    facts += [plain(state.target), state.capabilities] if state is not None else []
    return [drift.severity.value, seen.change.value, plain(seen.why), content, *facts]


def plain(text: str) -> str:
    """Writes as escapes what isn't UTF-8, and the null character, which no database takes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _now(seen: ContainerDrift | None) -> str | None:
    match seen:
        case FileDrift(now=now):
            return _state(now)
        case ProcessDrift() | SessionDrift():
            about_it = f"pid {seen.pid}, user {seen.user}"
            since = f", since {seen.started_at}" if seen.started_at else ""
            return _cut(f"{shlex.join(seen.command)} ({about_it}{since})", _VALUE)
        case PortDrift(listener=listener):
            return f"pid {listener.pid}"
        case None:
            return None
        case _:
            assert_never(seen)


def _state(state: FileState | None) -> str | None:
    if state is None:
        return None
    facts = [state.type.value, f"{state.mode:04o}", f"owner {state.uid}:{state.gid}"]
    facts += [f"→ {state.target}"] if state.target else []
    facts += [f"device {state.device}"] if state.device else []
    facts += ["capabilities"] if state.capabilities else []
    facts += [f"{state.size:,} bytes, sha256 {state.sha256[:12]}…"] if state.sha256 else []
    return _cut(", ".join(facts), _VALUE)


def _cut(text: str, limit: int) -> str:
    shown = plain(text)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
