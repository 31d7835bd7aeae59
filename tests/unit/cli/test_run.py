"""`plumbline run`, the whole of it, as a process over a real HTTP server."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from reconciler.cli.main import main
from tests.tools.documents import ROOT
from tests.unit.cli.conftest import Shop

Captured = pytest.CaptureFixture[str]

_ENTRY = "from reconciler.cli.main import entry\nentry()\n"


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        threading.Event().wait(0.02)


def configure(shop: Shop, *targets: str, more: str = "") -> None:
    text = f"targets: [{', '.join(targets)}]\nserve: {{address: ''}}\n{more}"
    (shop.folder / "plumbline.yaml").write_text(text)


TARGET = "{name: shop, source: {repo: shop}, scope: {namespaces: [shop]}, mode: restore}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_targets_true_until_it_is_asked_to_end(
    shop: Shop, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(shop, TARGET)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shop.recolour()
    command = [sys.executable, "-c", _ENTRY, "run", *shop.places()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: shop.colour == "blue")
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert out == b""
    told = [json.loads(line)["event"] for line in err.splitlines()]
    assert told[0] == "started"
    assert told[-1] == "stopped"
    assert "restored" in told
    assert shop.writes == 1


def test_without_a_target_there_is_nothing_to_keep(shop: Shop, capsys: Captured) -> None:
    assert main(["run", *shop.places()]) == 2
    assert "nothing to keep true" in capsys.readouterr().err


def test_a_target_that_there_is_not_is_named(shop: Shop, capsys: Captured) -> None:
    configure(shop, TARGET)
    assert main(["run", "shpo", *shop.places()]) == 2
    assert "no target is named 'shpo'" in capsys.readouterr().err


def test_a_setting_that_cannot_be_ends_it_at_once(shop: Shop, capsys: Captured) -> None:
    configure(shop, TARGET, more="schedule: {interval: often}")
    assert main(["run", *shop.places()]) == 2
    assert "schedule.interval: 'often' is no duration" in capsys.readouterr().err
