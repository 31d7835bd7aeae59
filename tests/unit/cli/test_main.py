"""`plumbline` itself: its verbs, exit codes, errors and ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.main import GROUPS, VERBS, main
from reconciler.core.errors import ConfigError
from tests.unit.cli.conftest import Shop

_ROOT = Path(__file__).resolve().parents[3]
_ENTRY = "from reconciler.cli.main import entry; entry()"

#: Runs a command, and tells on standard error what was imported for it.
_IMPORTS = """
import json, sys
from reconciler.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
json.dump([code, sorted({name.partition(".")[0] for name in sys.modules})], sys.stderr)
"""


def _command(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


def _environ() -> dict[str, str]:
    """Gives an environment in which Python buffers its output, as it does by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(_ROOT)}


def _imported(*words: str) -> tuple[int, set[str]]:
    """Gives the exit code of a command, and which packages it imported."""
    done = subprocess.run(
        _command(_IMPORTS, *words), env=_environ(), capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr)
    return code, set(modules)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"plumbline {__version__}\n"


#: A look at a machine has nothing to do with what is configured for a cluster.
WITHOUT_SETTINGS = {"agent", "warden"}


def test_every_verb_is_in_one_group() -> None:
    assert sorted(verb for group in GROUPS.values() for verb in group) == sorted(VERBS)


def test_help_names_every_verb_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    for verb, text in VERBS.items():
        assert re.search(rf"^  {verb}\s", out, re.MULTILINE)
        assert text.split()[0] in out
    assert "exit codes: 0 in sync or done; 1 drift" in out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_module_and_its_help(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(import_module(f"reconciler.cli.{verb}").run)
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: plumbline {verb} " in out
    assert ("--config FILE" in out) == (verb not in WITHOUT_SETTINGS)


@pytest.mark.parametrize(
    "words", [[], ["polish"], ["check", "--polish"], ["check", "--kube", "x"], ["check", "-o", "x"]]
)
def test_words_that_are_no_command_exit_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: plumbline")


def test_a_target_may_be_called_as_a_verb_is(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"targets: [{{name: restore, source: {{repo: {shop.repo}}}}}]\n"
    (shop.folder / "plumbline.yaml").write_text(text)
    assert main(["check", "restore", *shop.places()]) == 0
    assert "✓ restore @ " in capsys.readouterr().out


def test_an_error_is_told_on_standard_error_with_its_fix(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("plumbline: nothing to compare: no target is configured")
    assert "\n  fix: `plumbline check --repo DIR" in captured.err


def test_an_error_is_harmless_to_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise ConfigError("\x1b[2Jall is well\r\u202e", fix="\x07look")

    monkeypatch.setattr("reconciler.cli.check.run", fail)
    assert main(["check"]) == 2
    err = capsys.readouterr().err
    assert err == "plumbline: \\x1b[2Jall is well\\r\\u202e\n  fix: \\x07look\n"


def test_ctrl_c_exits_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.check.run", interrupt)
    assert main(["check"]) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "\nplumbline: interrupted\n"


def test_a_fault_of_our_own_is_not_taken_for_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reconciler.cli.check.run", fail)
    with pytest.raises(ZeroDivisionError):
        main(["check"])


def test_one_ctrl_c_ends_it_even_where_the_server_does_not_answer(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = shop.kubeconfig.read_text()
        address = json.loads(text)["clusters"][0]["cluster"]["server"]
        here = f"http://127.0.0.1:{silent.getsockname()[1]}"
        shop.kubeconfig.write_text(text.replace(address, here))
        with subprocess.Popen(
            _command(_ENTRY, *shop.words("check")),
            env=_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Whoever runs these tests in the background has it ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            asking, _ = silent.accept()
            with asking:
                asking.recv(1)  # by now it waits for an answer that never comes
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert err.endswith(b"plumbline: interrupted\n")
    assert b"Traceback" not in err


@pytest.mark.parametrize("words", [("check",), ("check", "-o", "json"), ("--help",)])
def test_a_reader_who_has_read_enough_is_no_trouble(shop: Shop, words: tuple[str, ...]) -> None:
    if "check" in words:
        words = tuple(shop.words(*words))
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            _command(_ENTRY, *words),
            env=_environ(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 2
    # On a slow machine it says what it waits for, and no more.
    assert [line for line in done.stderr.decode().splitlines() if not line.endswith(" …")] == []


def test_the_command_exits_as_its_verb_says_and_writes_all_of_it(shop: Shop) -> None:
    shop.recolour()
    done = subprocess.run(
        _command(_ENTRY, *shop.words("check", "-o", "json")),
        env=_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["summary"]["drifted"] == 1
    # On a busy machine it says what it waits for, and nothing else.
    assert all(line.endswith(" …") for line in done.stderr.splitlines()), done.stderr


def test_words_that_are_no_command_exit_2_from_the_shell_too() -> None:
    command = _command(_ENTRY, "polish")
    done = subprocess.run(command, env=_environ(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: plumbline" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code, modules = _imported("--help")
    assert code == 0
    heavy = {"kubernetes", "git", "deepdiff", "yaml", "pydantic", "urllib3", "orjson"}
    assert not heavy & modules


def test_a_warm_check_in_sync_imports_only_what_it_needs(shop: Shop) -> None:
    assert main(shop.words("check", "-n", "shop")) == 0
    code, modules = _imported(*shop.words("check", "-n", "shop"))
    assert code == 0
    assert not {"kubernetes", "git", "deepdiff", "pydantic", "urllib3"} & modules
