"""The README, held against the program: what one says, the other does."""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.main import VERBS
from reconciler.settings import Settings
from reconciler.settings.configuration import read_configuration
from tests.tools import documents

TEXT = documents.README.read_text(encoding="utf-8")

#: Flags of other programs, which the README speaks of too.
FOREIGN = {
    "--audit-log-path",
    "--build-arg",
    "--create-namespace",
    "--from-file",
    "--replicas",
    "--server-side",
    "--set",
    "--set-json",
    "--show-managed-fields",
}
EVERYWHERE = {"--help", "--version"}


def _flags() -> set[str]:
    actions = [action for verb in VERBS for action in documents.flags_of(verb)]
    return {flag for action in actions for flag in action.option_strings}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", ["verbs", "settings", "report", "metrics"])
def test_its_tables_are_the_program_s_own(name: str) -> None:
    made = {
        "verbs": documents.verbs_text,
        "settings": documents.settings_text,
        "report": documents.report_text,
        "metrics": documents.metrics_text,
    }
    written = documents.block_of(TEXT, name)
    assert written == made[name](), "python -m tests.tools.documents"


def test_its_metrics_are_those_that_are_served() -> None:
    table = documents.block_of(TEXT, "metrics")
    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    metrics = Metrics()
    metrics.watch_leadership("shop", lambda: True)
    assert named == re.findall(r"^# TYPE (\S+) ", metrics.text().decode(), re.MULTILINE)
    assert set(re.findall(r"`(plumbline_\w+)`", TEXT)) <= set(named)


def test_every_flag_of_every_verb_is_in_it() -> None:
    table = documents.block_of(TEXT, "verbs")
    for flag in _flags():
        assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", table), flag


def test_it_names_no_flag_that_there_is_not() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert named <= _flags() | FOREIGN | EVERYWHERE


def test_it_names_no_foreign_flag_without_need() -> None:
    for flag in FOREIGN:
        assert flag in TEXT


def test_every_setting_is_in_it_and_no_other() -> None:
    table = documents.block_of(TEXT, "settings")
    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert named == [name for name, _, _ in documents.settings(Settings)]


def test_every_setting_has_a_meaning() -> None:
    assert all(meaning for _, _, meaning in documents.settings(Settings))


def test_its_exit_codes_are_the_program_s() -> None:
    _, _, after = TEXT.partition("## Exit codes\n")
    section = after.partition("\n## ")[0]
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert named == set(ExitCode)


def test_it_names_no_verb_that_there_is_not() -> None:
    called = re.findall(r"(?:`|^|\| )(?:plumbline|kubectl drift) ([a-z]+)", TEXT, re.MULTILINE)
    assert set(called) == set(VERBS)


def test_its_commands_are_understood() -> None:
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    commands = [line.partition("#")[0].split() for line in lines if line.startswith("plumbline ")]
    assert len(commands) >= len(VERBS)
    for words in commands:
        parser = documents.parser_of(words[1])
        parser.exit_on_error = False
        parser.parse_args(words[2:])


def test_its_make_targets_are_there() -> None:
    makefile = (documents.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)\b", TEXT, re.MULTILINE))
    assert {"demo", "test", "bench", "install"} <= named <= targets


def test_its_configurations_load() -> None:
    examples = [read_configuration(None, yaml.safe_load(each), {}) for each in _blocks("yaml")]
    (settings,) = (each for each in examples if any(one.ignore for one in each.targets))
    assert len(settings.targets[0].ignore) == 3
    assert all(
        rule.until is None or rule.until > datetime.now(UTC).date()
        for rule in settings.targets[0].ignore
    )


def test_its_files_are_there() -> None:
    named = re.findall(r"`((?:config|reconciler|tests)/[\w./-]+)`", TEXT)
    assert named
    for name in named:
        assert (documents.ROOT / name).exists(), name


def test_its_first_screen_has_the_two_commands_and_a_check() -> None:
    head = TEXT.splitlines()[:20]
    assert any(line.startswith("make demo") for line in head)
    assert any(line.startswith("make test") for line in head)
    assert documents.block_of(TEXT, "check").startswith("```text\n✗ ")


def test_a_block_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="no block 'nothing'"):
        documents.block_of(TEXT, "nothing")


def test_a_demo_without_a_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="no check"):
        documents.check_output("$ plumbline check\n✓ all well\n")


def test_hashes_ages_and_requests_do_not_count() -> None:
    early = "✗ shop @ 1a2b3c4: by kubectl, just now *** (1a2b → 3c4d)\n"
    late = "✗ shop @ 5a6b7c8: by kubectl, 1 minute ago *** (5a6b → 7c8d)\n"
    early += "26 list, 3 get, 7 dry-run requests\n"
    late += "25 list, 4 get, 8 dry-run requests\n"
    assert documents.settled(early) == documents.settled(late)


def test_a_cell_keeps_its_bars() -> None:
    assert "text\\|json" in documents.verbs_text()
    assert isinstance(documents.parser_of("check"), argparse.ArgumentParser)
    assert Path(documents.README).name == "README.md"
