"""What is said of what is being waited for."""

import inspect
import io
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.bootstrap import How, open_target
from reconciler.cli.progress import Progress, announced
from reconciler.controller import Target, read
from reconciler.core.errors import SourceError
from reconciler.settings import ClusterSettings, Settings, SourceSettings, TargetSettings
from tests.fakes.kinds import named
from tests.unit.cli.conftest import Shop, Terminal

#: Longer than any test takes.
NEVER = 3600.0
#: For a thread of our own to say what it has to; it takes no time where all is well.
PATIENCE = 30.0


class _Stream(io.StringIO):
    """Remembers what was written, and lets a test wait for a text of it."""

    def __init__(self) -> None:
        super().__init__()
        self._written = threading.Condition()

    def write(self, text: str) -> int:
        with self._written:
            count = super().write(text)
            self._written.notify_all()
        return count

    def wait_for(self, text: str) -> None:
        with self._written:
            said = self._written.wait_for(lambda: text in self.getvalue(), PATIENCE)
        assert said, f"{text!r} was never said, only {self.getvalue()!r}"


class _Screen(_Stream):
    """Is taken for a terminal, whose width is asked of another one, if of any."""

    def __init__(self, line: int | None = None) -> None:
        super().__init__()
        self._line = line

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._line is None else self._line


class _Stages(Progress):
    """Remembers what was announced."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.told: list[str] = []

    def stage(self, text: str) -> None:
        self.told.append(text)


@pytest.mark.parametrize("make", [_Stream, _Screen])
def test_nothing_is_said_of_what_is_done_in_time(make: type[_Stream]) -> None:
    stream = make()
    with Progress(stream, after=NEVER) as progress:
        progress.stage("reading")
        progress.stage("comparing")
    assert stream.getvalue() == ""


def test_in_time_means_within_a_second() -> None:
    assert inspect.signature(Progress).parameters["after"].default == 1.0


def test_into_a_pipe_every_stage_is_a_line() -> None:
    stream = _Stream()
    with Progress(stream, after=0) as progress:
        for text in ("reading", "comparing"):
            progress.stage(text)
            stream.wait_for(text)
    assert stream.getvalue() == "reading …\ncomparing …\n"


def test_a_stage_is_said_once() -> None:
    stream = _Stream()
    with Progress(stream, after=0) as progress:
        for text in ("reading", "reading", "comparing", "comparing"):
            progress.stage(text)
            stream.wait_for(text)
    assert stream.getvalue() == "reading …\ncomparing …\n"


def test_where_there_is_no_stage_nothing_is_said() -> None:
    stream = _Stream()
    with Progress(stream, after=0):
        pass
    assert stream.getvalue() == ""


def test_on_a_terminal_it_is_one_line_that_goes_away() -> None:
    stream = _Screen()
    with Progress(stream, after=0) as progress:
        for text in ("reading", "comparing"):
            progress.stage(text)
            stream.wait_for(text)
        assert stream.getvalue().endswith("comparing …")
    assert stream.getvalue() == "\r\x1b[Kreading …\r\x1b[Kcomparing …\r\x1b[K"


def test_it_goes_away_before_an_error_is_told() -> None:
    stream = _Screen()
    with pytest.raises(SourceError), Progress(stream, after=0) as progress:
        progress.stage("reading")
        stream.wait_for("reading")
        raise SourceError("gone")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_on_a_terminal_it_never_takes_a_second_line(terminal: Terminal) -> None:
    terminal.resize(20)
    screen = _Screen(terminal.line)
    with Progress(screen, after=0) as progress:
        progress.stage("reading what nobody wants to read")
        screen.wait_for("reading")
    said = screen.getvalue().removeprefix("\r\x1b[K").removesuffix("\r\x1b[K")
    assert said == "reading what nobod…"
    assert len(said) < 20


@pytest.mark.parametrize("make", [_Stream, _Screen])
def test_names_are_harmless_to_a_terminal(make: type[_Stream]) -> None:
    stream = make()
    with Progress(stream, after=0) as progress:
        progress.stage("\x1b[2Jshop\n: reading")
        stream.wait_for("reading")
    assert "\\x1b[2Jshop\\n: reading …" in stream.getvalue()


@pytest.fixture
def target(shop: Shop) -> Iterator[Target]:
    """The shop as a target."""
    settings = Settings(
        cluster=ClusterSettings(str(shop.kubeconfig)),
        cache_dir=str(shop.folder / "cache"),
        state_dir=str(shop.folder / "state"),
    )
    with open_target(settings, TargetSettings("shop", SourceSettings(str(shop.repo))), How()) as it:
        yield it.target


def test_a_target_announces_what_it_does(target: Target) -> None:
    progress = _Stages()
    sides = read(announced(target, progress))
    assert len(sides.desired.resources) == 3
    assert progress.told == [
        "shop: reading what Git declares",
        "reading live objects of 3 kinds",
        "comparing 3 objects",
    ]


def test_a_target_that_announces_is_the_target_that_it_was(target: Target) -> None:
    outer = announced(target, _Stages())
    inner = replace(outer, source=target.source, live=target.live, comparer=target.comparer)
    assert inner == target
    read(outer)
    assert outer.live.requests == target.live.requests
    assert outer.live.requests.list == 3
    assert outer.comparer.comparison is target.comparer.comparison
    assert outer.live.schema({named("Deployment")}).node("apps/v1", "Deployment") is not None
