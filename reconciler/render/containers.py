"""A look at a machine's containers as text, for somebody who has been woken by it."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from reconciler.core.containers import (
    ContainerDrift,
    ContainerLook,
    FileDrift,
    FileState,
    NodeLook,
    Origin,
    PortDrift,
    ProcessDrift,
    SessionDrift,
)
from reconciler.core.drift import ChangeType, Severity
from reconciler.render.ages import ago
from reconciler.render.summaries import INKS, counted
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, flow, painted

#: So many drifts of a container, and so many lines of a text's difference, unless all is asked for.
_DRIFTS = 20
_LINES = 12
_UNKNOWN = 8
_INDENT = 2
_WHAT = 10
_DETAIL = 10
_COMMAND = 160

_ORIGINS = {
    Origin.ADDED: ", which the image doesn't hold",
    Origin.CHANGED: ", which isn't as the image has it",
    Origin.DELETED: ", which is gone",
    Origin.MEMORY: " from memory alone",
    Origin.VOLUME: " from a volume",
    Origin.LOADER: ", the loader, with what the image doesn't hold",
    Origin.LIBRARY: " with a library that the image doesn't hold",
    Origin.SCRIPT: " with a script that the image doesn't hold",
    Origin.OUTSIDE: " from outside of the container",
    Origin.PROFILE: ", which its profile doesn't have run",
}


def node_text(look: NodeLook, style: Style, now: datetime) -> str:
    """Writes a look: container by container, the worst first, what is as it should be last."""
    lines: list[Line] = []
    for each in look.looks:
        if each.drifts or each.unknown or style.full:
            lines += [*_container_lines(each, style, now), ()]
    for note in look.notes:
        lines += flow([Cell((Span(f"note: {note}", Ink.DIM),))], style, hanging=6)
    lines += flow([Cell(_summary(look))], style, hanging=2)
    return painted(lines, style)


def _summary(look: NodeLook) -> Line:
    drifts = [drift for each in look.looks for drift in each.drifts]
    drifted = sum(bool(each.drifts) for each in look.looks)
    unknown = sum(bool(each.unknown) for each in look.looks)
    good = sum(not each.drifts and not each.unknown for each in look.looks)
    mark, ink = ("✗", Ink.RED) if drifts else ("?", Ink.YELLOW) if unknown else ("✓", Ink.GREEN)
    spans = [Span(f"{mark} ", ink), Span(look.node, Ink.BOLD), Span(": ")]
    if not look.looks:
        return (*spans, Span("no container runs here"))
    spans.append(Span(f"{counted(len(look.looks), 'container')}, {good:,} as the image says"))
    if drifted:
        spans += [Span(", "), Span(f"{drifted:,} drifted", Ink.RED), Span(f" ({_counts(drifts)})")]
    if unknown:
        spans += [Span(", "), Span(f"{unknown:,} not fully told", Ink.YELLOW)]
    return tuple(spans)


def _counts(drifts: Sequence[ContainerDrift]) -> str:
    counts = ((each, sum(drift.severity is each for drift in drifts)) for each in Severity)
    return ", ".join(f"{count:,} {severity}" for severity, count in counts if count)


def _container_lines(look: ContainerLook, style: Style, now: datetime) -> Iterator[Line]:
    container = look.container
    mark, ink = ("✗", Ink.RED) if look.drifts else ("✓", Ink.GREEN)
    if look.unknown and not look.drifts:
        mark, ink = "?", Ink.YELLOW
    cells = [Cell((Span(f"{mark} ", ink), Span(str(container), Ink.BOLD)))]
    about = [container.image, container.image_digest[:19], container.container_id[:12]]
    cells.append(Cell((Span(" · ".join(filter(None, about)), Ink.DIM),)))
    yield from flow(cells, style, hanging=4)
    told = look.drifts if style.full else without_folders(look.drifts)
    shown = told if style.full else told[:_DRIFTS]
    for drift in shown:
        yield from drift_lines(drift, style, now)
    if len(shown) < len(told):
        rest = _counts(told[len(shown) :])
        yield from _dim(f"… (more: {rest}; --full or -o json shows all)", style)
    for why in look.unknown if style.full else look.unknown[:_UNKNOWN]:
        cells = [Cell((Span("unknown ", Ink.YELLOW), Span(why)))]
        yield from flow(cells, style, indent=_INDENT, hanging=_DETAIL)
    if not style.full and len(look.unknown) > _UNKNOWN:
        yield from _dim(f"… ({len(look.unknown) - _UNKNOWN} more that couldn't be told)", style)
    yield from _beside(look, style)


def without_folders(drifts: Sequence[ContainerDrift]) -> Sequence[ContainerDrift]:
    """Leaves out added directories of which something is told that is in them."""
    files = [drift for drift in drifts if isinstance(drift, FileDrift)]
    above = {path for drift in files for path in _above(drift.path)}
    return [
        drift
        for drift in drifts
        if not isinstance(drift, FileDrift)
        or drift.change is not ChangeType.ADDED
        or drift.path not in above
    ]


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _beside(look: ContainerLook, style: Style) -> Iterator[Line]:
    """Tells what is no drift, and worth knowing of a container that has some."""
    if look.listening:
        places = (f"{each.protocol} {_place(each.address, each.port)}" for each in look.listening)
        yield from _dim(f"listens on {', '.join(places)}", style)
    if look.expected:
        rules = (f"{each.count:,} {each.rule}" for each in look.expected)
        yield from _dim(f"expected differences, not shown: {', '.join(rules)}", style)
    if style.full and look.outside:
        places = (f"{each.path} ({each.source})" for each in look.outside)
        yield from _dim(f"not of the image: {', '.join(places)}", style)


def drift_lines(drift: ContainerDrift, style: Style, now: datetime) -> Iterator[Line]:
    """Writes what drifted in a container: what, how much it matters, and what is known of it."""
    spans, details = _words(drift, now)
    severity = Span(drift.severity.ljust(_WHAT - _INDENT), INKS[drift.severity])
    yield from flow([Cell((severity, *spans))], style, indent=_INDENT, hanging=_DETAIL)
    for detail in details:
        yield from flow([Cell((Span(detail),))], style, indent=_DETAIL, hanging=_DETAIL + 2)
    if isinstance(drift, FileDrift) and drift.text_diff:
        yield from _text_lines(drift.text_diff, style)


def _words(drift: ContainerDrift, now: datetime) -> tuple[list[Span], list[str]]:
    match drift:
        case FileDrift():
            return _file_words(drift, now)
        case ProcessDrift():
            code = f": {drift.code}" if drift.code else ""
            spans = [
                Span("runs "),
                Span(drift.executable, Ink.BOLD),
                Span(f"{_ORIGINS[drift.origin]}{code}"),
            ]
            return spans, _process_details(drift, now)
        case SessionDrift():
            how = "executed from outside" if drift.verb == "exec" else "entered from the machine"
            return [Span("session "), Span(how)], _process_details(drift, now)
        case PortDrift(listener=listener):
            place = f"{listener.protocol} {_place(listener.address, listener.port)}"
            spans = [Span("listens on "), Span(place, Ink.BOLD), Span(", declared nowhere")]
            return spans, [f"pid {listener.pid}"]
        case _:
            assert_never(drift)


def _process_details(drift: ProcessDrift | SessionDrift, now: datetime) -> list[str]:
    started = f"started {ago(drift.started_at, now)}" if drift.started_at else ""
    numbers = f"pid {drift.pid} ({drift.container_pid} inside)"
    facts = [numbers, f"user {drift.user}", started, drift.note]
    command = shlex.join(drift.command)
    shown = command if len(command) <= _COMMAND else f"{command[:_COMMAND]}…"
    parents = " ← ".join(f"{each.name} ({each.pid})" for each in drift.parents)
    lines = [f"$ {shown}" if shown else "", " · ".join(filter(None, facts))]
    return [*filter(None, lines), *([f"from {parents}"] if parents else [])]


def _file_words(drift: FileDrift, now: datetime) -> tuple[list[Span], list[str]]:
    spans = [Span(f"{drift.change} "), Span(drift.path, Ink.BOLD), Span(f" · {drift.why}")]
    facts: list[str] = []
    if drift.was is not None and drift.now is not None:
        facts += _differences(drift.was, drift.now)
    else:
        facts += [fact for one in (drift.was, drift.now) if one is not None for fact in _facts(one)]
    if drift.now is not None and drift.now.modified:
        facts.append(f"written {ago(drift.now.modified, now)}")
    facts.append(drift.note)
    return spans, [" · ".join(filter(None, facts))]


def _facts(state: FileState) -> list[str]:
    facts = [state.type.value, f"{state.mode:04o}", f"owner {state.uid}:{state.gid}"]
    facts += [f"→ {state.target}"] if state.target else []
    facts += [f"device {state.device}"] if state.device else []
    facts += ["capabilities"] if state.capabilities else []
    if state.sha256:
        facts += [counted(state.size, "byte"), f"sha256 {state.sha256[:12]}…"]
    return facts


def _differences(was: FileState, now: FileState) -> Iterator[str]:
    pairs = (
        ("", was.type.value, now.type.value),
        ("mode ", f"{was.mode:04o}", f"{now.mode:04o}"),
        ("owner ", f"{was.uid}:{was.gid}", f"{now.uid}:{now.gid}"),
        ("bytes ", f"{was.size:,}", f"{now.size:,}"),
        ("sha256 ", _short(was.sha256), _short(now.sha256)),
        ("target ", was.target or "none", now.target or "none"),
        ("device ", was.device or "none", now.device or "none"),
        ("capabilities ", was.capabilities or "none", now.capabilities or "none"),
    )
    for name, before, after in pairs:
        if before != after:
            yield f"{name}{before} → {after}"


def _short(digest: str) -> str:
    return f"{digest[:12]}…" if digest else "unknown"


def _text_lines(text: str, style: Style) -> Iterator[Line]:
    lines = text.split("\n")
    shown = lines if style.full else lines[:_LINES]
    for line in shown:
        ink = {"+": Ink.GREEN, "-": Ink.RED, "@": Ink.CYAN}.get(line[:1], Ink.PLAIN)
        # Cut by the terminal itself where it is long: it is read as a piece of a file.
        yield (Span(" " * _DETAIL), Span(line, ink))
    if len(shown) < len(lines):
        yield (Span(" " * _DETAIL), Span(f"… ({len(lines) - len(shown)} more lines)", Ink.DIM))


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _dim(text: str, style: Style) -> list[Line]:
    return flow([Cell((Span(text, Ink.DIM),))], style, indent=_INDENT, hanging=_INDENT + 2)
