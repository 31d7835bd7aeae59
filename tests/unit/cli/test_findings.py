"""What `doctor` prints."""

import pytest

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.findings import (
    Finding,
    State,
    exit_code,
    findings_document,
    findings_text,
    good,
    of_error,
    of_errors,
)
from reconciler.core.errors import ConfigError, ManifestError, ManifestProblem
from reconciler.render.terminal import Style

WELL = good("git", "2.39.5")
MEND = Finding("state folder", State.MEND, "/x can be read by others", "chmod 700 /x")
BROKEN = Finding("API server", State.BROKEN, "it can't be reached", "check the address")


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([WELL], ExitCode.DONE),
        ([WELL, MEND], ExitCode.DRIFT),
        ([MEND, BROKEN, WELL], ExitCode.COULD_NOT),
    ],
)
def test_the_worst_finding_decides_the_exit_code(findings: list[Finding], code: ExitCode) -> None:
    assert exit_code(findings) is code


def test_each_finding_has_a_line_and_its_fix_below() -> None:
    text = findings_text([WELL, MEND, BROKEN], Style(colour=False, width=80))
    assert text == (
        "✓ git           2.39.5\n"
        "! state folder  /x can be read by others\n"
        "    fix: chmod 700 /x\n"
        "✗ API server    it can't be reached\n"
        "    fix: check the address\n"
        "\n"
        "✗ 1 of 3 stop a check, 1 more to mend\n"
    )


def test_the_last_line_says_how_it_stands() -> None:
    style = Style(colour=False, width=80)
    assert findings_text([WELL], style).endswith("✓ all 1 well\n")
    assert findings_text([WELL, MEND], style).endswith("! 1 of 2 to mend; a check works\n")


def test_escapes_reach_no_terminal() -> None:
    text = findings_text([good("git", "2.39\x1b[2J")], Style(colour=True, width=80))
    assert "\x1b[2J" not in text
    assert r"\x1b[2J" in text


def test_data_for_programs() -> None:
    assert findings_document([WELL, BROKEN]) == {
        "schema": "plumbline.dev/doctor/v1",
        "findings": [
            {"topic": "git", "state": "good", "text": "2.39.5", "fix": None},
            {
                "topic": "API server",
                "state": "broken",
                "text": "it can't be reached",
                "fix": "check the address",
            },
        ],
    }


def test_an_error_becomes_a_finding() -> None:
    finding = of_error("kubeconfig", ConfigError("no file", fix="name one"))
    assert finding == Finding("kubeconfig", State.BROKEN, "no file", "name one")


def test_of_many_manifest_problems_the_first_is_told_and_the_rest_counted() -> None:
    error = ManifestError(
        ManifestProblem("a.yaml", 3, "no kind", "give it one"),
        ManifestProblem("b.yaml", 0, "empty"),
    )
    finding = of_error("shop: Git", error)
    assert finding.text == "a.yaml:3: no kind (and 1 more: `plumbline check` names them all)"
    assert finding.fix == "give it one"
    assert of_error("", ManifestError(ManifestProblem("b.yaml", 0, "empty"))).text == (
        "b.yaml: empty"
    )


def test_an_error_that_names_several_things_becomes_several_findings() -> None:
    error = ConfigError("a is no setting\n  fix: did you mean b?\nc: must be text")
    assert of_errors("configuration", error) == [
        Finding("configuration", State.BROKEN, "a is no setting", "did you mean b?"),
        Finding("configuration", State.BROKEN, "c: must be text"),
    ]
    single = ConfigError("no file", fix="name one")
    assert of_errors("", single) == [Finding("", State.BROKEN, "no file", "name one")]
