"""`plumbline containers --learn FILE`: profiles of images, from what their containers do."""

import argparse
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.looking import scan_of
from reconciler.cli.profiles_file import read_learned, read_profiles
from reconciler.core.errors import ConfigError
from reconciler.core.moments import rfc3339

if TYPE_CHECKING:
    from reconciler.agent.executing import Executions
    from reconciler.agent.node import Glimpse, NodeScan
    from reconciler.core.containers import ContainerLook, NodeLook
    from reconciler.core.learned import Window
    from reconciler.core.observed import Observed
    from reconciler.core.profiles import Profiles

#: Seconds between looks, and between glimpses at new processes.
_INTERVAL, _POLL = 15.0, 0.5
#: So many drifts are remembered between looks; nothing of them is told.
_LIMIT = 1000
_FLAG = "--learn"
#: In place of a file: standard output, as from a pod that can't write.
_OUTPUT = "-"


def learn(options: argparse.Namespace) -> ExitCode:
    """Looks, for a while if that is asked for, and writes the file.

    Raises:
        ConfigError: A flag is wrong, the file isn't one of profiles, or can't be written.
    """
    from reconciler.core.learned import Window
    from reconciler.core.observed import Observed
    from reconciler.core.profiles import Profiles

    sheet = _begun(options)
    scan = scan_of(options)
    given = read_profiles(options.profiles) if options.profiles is not None else Profiles()
    scan.allow(Profiles((*given.images, *sheet.known.images)), learns=True)
    watched, since = _Watched(scan, Observed()), datetime.now(UTC)
    watched.look()
    if options.duration is None and not watched.observed.looks:
        raise ConfigError(
            "no such container runs on this machine, and nothing was learned",
            fix="leave out -n and --pod, or wait for containers with --for",
        )
    if options.duration is not None:
        _watch(watched, options.duration)
    unknown = (*watched.notes, *_untold(watched.observed))
    window = Window(watched.node, rfc3339(since), rfc3339(datetime.now(UTC)), unknown=unknown)
    sheet.add(watched.observed, window, with_programs=options.duration is not None)
    return sheet.close(options)


def learn_told(options: argparse.Namespace) -> ExitCode:
    """Learns from what node agents told the controller last, and writes the file.

    Raises:
        ConfigError: As for `learn`, or no agent told anything of that.
        HistoryError: What agents told can't be read.
    """
    from reconciler.cli.heard import heard
    from reconciler.core.learned import Window
    from reconciler.core.observed import Observed

    if options.duration is not None:
        raise ConfigError(
            "--for goes with --node-local: agents tell what differs, and not what runs",
            fix="leave it out: what was written since the containers started was told",
        )
    sheet = _begun(options)
    for report, is_silent in heard(options):
        look, observed = report.look, Observed()
        observed.take(look.looks, whole=True)
        started = [each.started_at for each in look.looks if each.started_at]
        silent = (f"its agent was heard last at {report.received_at}",) if is_silent else ()
        window = Window(
            look.node,
            min(started, default=look.checked_at),
            look.checked_at,
            unknown=(*silent, *look.notes, *_untold(observed)),
        )
        sheet.add(observed, window, with_programs=False)
    return sheet.close(options)


@dataclass(slots=True)
class _Sheet:
    """What is written in the end.

    Attributes:
        file: Where to; None for standard output.
        known: The profiles that were there.
        made: Those and what is learned.
        windows: What that was learned from; those that were there first.
        news: How many of them are new.
    """

    file: Path | None
    known: "Profiles"
    made: "Profiles"
    windows: "list[Window]"
    news: int = 0

    def add(self, observed: "Observed", window: "Window", *, with_programs: bool) -> None:
        """Learns from what was observed in a window."""
        from reconciler.agent.node import builtin_profile
        from reconciler.core.learning import lesson_of
        from reconciler.core.profile_merging import merged

        lesson = lesson_of(observed, builtin_profile(), with_programs=with_programs)
        self.made = merged(self.made, lesson.profiles)
        self.windows.append(replace(window, images=lesson.evidence, left=lesson.left))
        self.news += 1

    def close(self, options: argparse.Namespace) -> ExitCode:
        """Writes it, tells what it is, and gives the exit code."""
        from reconciler.cli.output import style_of, write
        from reconciler.core.profile_merging import beyond
        from reconciler.render.profile_documents import learned_text, profiles_text

        text, news = profiles_text(self.made, self.windows), self.windows[-self.news :]
        told = learned_text(news, beyond(self.known, self.made), options.learn, style_of(options))
        if self.file is None:
            write(text)
            sys.stderr.write(told)
        else:
            _write(self.file, text)
            write(told)
        if any(each.unknown for each in news):
            return ExitCode.COULD_NOT
        return ExitCode.DRIFT if any(each.left for each in news) else ExitCode.DONE


def _begun(options: argparse.Namespace) -> _Sheet:
    """Reads what the file holds already, before anything is looked at.

    Raises:
        ConfigError: A flag is wrong, the file isn't one of profiles, or can't be written.
    """
    from reconciler.core.profiles import Profiles

    if options.watch is not None or options.output != "text":
        raise ConfigError(
            "--learn looks by itself, and writes its file as JSON",
            fix="leave out --watch and -o; --for says how long it looks",
        )
    if options.learn == _OUTPUT:
        return _Sheet(None, Profiles(), Profiles(), [])
    file = Path(options.learn)
    if not os.access(file.parent, os.W_OK):
        raise ConfigError(
            f"{_FLAG} {file}: there is no folder for it that can be written", fix="name another"
        )
    known, windows = read_learned(str(file), _FLAG) if file.exists() else (Profiles(), ())
    return _Sheet(file, known, known, list(windows))


@dataclass(slots=True)
class _Watched:
    """Looks as a scan does, and keeps what it saw."""

    scan: "NodeScan"
    observed: "Observed"
    node: str = ""
    notes: tuple[str, ...] = ()

    def look(self) -> "NodeLook":
        look = self.scan.look()
        self.node, self.notes = look.node, look.notes
        self.observed.take(look.looks, whole=True)
        return look

    def glimpse(self) -> "Glimpse":
        glimpse = self.scan.glimpse()
        self.observed.take(glimpse.looks, whole=False)
        return glimpse


@dataclass(slots=True)
class _Executed:
    """Tells of executions as the kernel does, and keeps what it saw."""

    executions: "Executions"
    observed: "Observed"

    @property
    def lost(self) -> int:
        return self.executions.lost

    def renew(self) -> None:
        self.executions.renew()

    def looks(self, patience: float) -> "tuple[ContainerLook, ...]":
        looks = self.executions.looks(patience)
        self.observed.take(looks, whole=False)
        return looks


def _watch(watched: _Watched, seconds: float) -> None:
    """Watches until the time is over, or until it is asked to end: what it saw by then counts."""
    from reconciler.agent.executing import Executions
    from reconciler.agent.watching import NodeWatch

    try:
        executed = _Executed(Executions(watched.scan), watched.observed)
    except OSError as error:
        sys.stderr.write(
            f"plumbline: the kernel doesn't tell of executions ({error.strerror}): programs that "
            "end soon may be missed\n"
        )
        executed = None
    watch = NodeWatch(
        watched,
        lambda _: None,
        lambda: datetime.now(UTC),
        interval=min(_INTERVAL, seconds),
        poll=min(_POLL, seconds),
        limit=_LIMIT,
        executing=executed,
    )
    with _ending(seconds) as ending:
        watch.run(ending)
    watched.look()
    if executed is not None and executed.lost:
        lost = f"{executed.lost} executions could not be told"
        watched.notes = (*watched.notes, lost)


@contextmanager
def _ending(seconds: float) -> Iterator[threading.Event]:
    """Gives what is set when the time is over, or by SIGTERM or Ctrl-C."""
    ending = threading.Event()
    timer = threading.Timer(seconds, ending.set)
    timer.daemon = True
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: ending.set()) for number in numbers]
    timer.start()
    try:
        yield ending
    finally:
        timer.cancel()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _untold(observed: "Observed") -> Sequence[str]:
    return [f"{look.container}: {why}" for look in observed.looks.values() for why in look.unknown]


def _write(file: Path, text: str) -> None:
    """Writes the file, at once or not at all.

    Raises:
        ConfigError: It can't be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".plumbline-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"{_FLAG} {file}: {error.strerror}", fix="name a file in a folder that can be written"
        ) from None
