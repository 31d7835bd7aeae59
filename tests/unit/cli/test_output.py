"""How results reach whoever reads them: a terminal, a pipe, whatever the locale."""

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import pytest

from reconciler.cli.main import main
from reconciler.cli.output import complain, style_of, write
from reconciler.render.terminal import Style
from tests.unit.cli.conftest import Shop, Terminal


def _options(*, no_color: bool = False, full: bool = False) -> argparse.Namespace:
    return argparse.Namespace(no_color=no_color, full=full)


@contextmanager
def _on(terminal: Terminal) -> Iterator[None]:
    """Makes a terminal standard output.

    Not a fixture: pytest puts its own standard output back between a fixture and its test.
    """
    with (
        open(terminal.line, "w", encoding="utf-8", closefd=False) as stream,
        redirect_stdout(stream),
    ):
        yield


@pytest.fixture
def screen(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in an environment that says nothing of colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal


def _pipe(monkeypatch: pytest.MonkeyPatch, encoding: str, errors: str = "strict") -> io.BytesIO:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors=errors, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    return raw


def test_a_terminal_has_colours_and_its_own_width(screen: Terminal) -> None:
    screen.resize(132)
    with _on(screen):
        assert style_of(_options()) == Style(colour=True, width=132)


def test_a_terminal_that_does_not_say_is_80_wide(screen: Terminal) -> None:
    screen.resize(0)
    with _on(screen):
        assert style_of(_options()).width == 80


def test_a_terminal_that_cannot_be_asked_is_80_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Odd())
    assert style_of(_options()).width == 80


def test_a_pipe_has_no_colours_and_is_80_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "utf-8")
    assert style_of(_options()) == Style(colour=False, width=80)


def test_no_color_by_flag(screen: Terminal) -> None:
    with _on(screen):
        assert not style_of(_options(no_color=True)).colour


@pytest.mark.parametrize(("value", "colour"), [("1", False), ("0", False), ("", True)])
def test_no_color_by_environment(
    screen: Terminal, monkeypatch: pytest.MonkeyPatch, value: str, colour: bool
) -> None:
    # no-color.org: present and not empty, regardless of its value.
    monkeypatch.setenv("NO_COLOR", value)
    with _on(screen):
        assert style_of(_options()).colour is colour


def test_values_are_in_full_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _pipe(monkeypatch, "utf-8")
    assert style_of(_options(full=True)).full
    assert not style_of(_options()).full


def test_a_result_ends_with_one_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = _pipe(monkeypatch, "utf-8")
    write("one")
    write("two\n")
    assert raw.getvalue() == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("utf-8", "✓ é", "✓ é\n".encode()),
        ("utf-8", "a\udcff", b"a\\udcff\n"),
        ("ascii", "✓ é \U0001f600", b"\\u2713 \\xe9 \\U0001f600\n"),
        ("latin-1", "✓ é", b"\\u2713 \xe9\n"),
    ],
)
def test_what_a_locale_cannot_show_is_an_escape(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str, written: bytes
) -> None:
    raw = _pipe(monkeypatch, encoding)
    write(text)
    assert raw.getvalue() == written


def test_complaints_are_harmless_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    complain("one\x1b[31m\n  fix: two\x9b")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "plumbline: one\\x1b[31m\n  fix: two\\x9b\n"


def test_a_report_on_a_terminal_is_coloured_and_fits(shop: Shop, screen: Terminal) -> None:
    shop.recolour("red " * 60)
    screen.resize(60)
    with _on(screen):
        assert main(shop.words("check", "-n", "shop")) == 1
    shown = screen.shown()
    assert "\x1b[31m" in shown
    plain = shown.replace("\x1b[0m", "")
    for code in ("1", "2", "31", "32", "33", "36"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 60


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_documents_have_no_colours_even_on_a_terminal(
    shop: Shop, screen: Terminal, output: str
) -> None:
    shop.recolour()
    with _on(screen):
        assert main(shop.words("check", "-o", output)) == 1
    shown = screen.shown()
    assert "colour" in shown
    assert "\x1b" not in shown


def test_no_color_holds_for_a_whole_report(shop: Shop, screen: Terminal) -> None:
    shop.recolour()
    with _on(screen):
        assert main(shop.words("check", "--no-color")) == 1
    shown = screen.shown()
    assert "data.colour" in shown
    assert "\x1b" not in shown


def test_a_report_in_a_poor_locale(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = _pipe(monkeypatch, "ascii")
    assert main(shop.words("check", "-n", "shop")) == 0
    assert raw.getvalue().endswith(b": all 3 objects in sync\n")
    assert b"\\u2713 shop @ " in raw.getvalue()
