"""Who is asked, and what counts as a yes."""

import io
import sys
from types import SimpleNamespace

import pytest

from reconciler.cli.asking import agreed
from reconciler.core.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "yes"),
    [(b"y\n", True), (b"YES\n", True), (b"\n", False), (b"no\n", False), (b"", False),
     (b"\xff\n", False)],
)  # fmt: skip
def test_only_a_yes_is_one(
    typed: bytes, yes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = SimpleNamespace(isatty=lambda: True, buffer=io.BytesIO(typed))
    monkeypatch.setattr(sys, "stdin", terminal)
    assert agreed("Do it?") is yes
    assert capsys.readouterr().err.startswith("Do it? [y/N] ")


def test_where_nobody_is_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(ConfigError, match="nobody to ask"):
        agreed("Do it?")
