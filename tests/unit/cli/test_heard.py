"""`plumbline containers` without `--node-local`: what agents told, and how old that is."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.main import main
from reconciler.core.containers import ContainerLook, NodeLook, NodeReport
from reconciler.core.moments import rfc3339
from reconciler.core.ranking import worst_looks_first
from tests.unit.render.test_containers import DRIFTED, QUIET, UNKNOWN, WEB

LOW = ContainerLook(WEB, DRIFTED.drifts[:1])


class Heard:
    """What was heard, in the database that the verb reads."""

    def __init__(self, history: DatabaseHistory) -> None:
        self._nodes = history.nodes()

    def say(self, node: str, *looks: ContainerLook, ago: int = 20, note: str = "") -> None:
        own = [
            replace(each, container=replace(each.container, node=node, container_id=f"c{at}"))
            for at, each in enumerate(looks)
        ]
        at = rfc3339(datetime.now(UTC) - timedelta(seconds=ago))
        notes = (note,) if note else ()
        look = NodeLook(node, at, worst_looks_first(tuple(own)), notes)
        self._nodes.save(NodeReport(look, at))


@pytest.fixture
def heard(alone: Path) -> Iterator[Heard]:
    with closing(DatabaseHistory.open(str(alone / "state" / "history.db"))) as history:
        yield Heard(history)


def run(*words: str) -> int:
    return main(["containers", "--state-dir", "state", "--no-color", *words])


@pytest.mark.parametrize(
    ("looks", "words", "code"),
    [
        ((), (), ExitCode.DONE),
        ((QUIET,), (), ExitCode.DONE),
        ((LOW, QUIET), (), ExitCode.DRIFT),
        ((LOW, QUIET), ("--exit-zero",), ExitCode.DONE),
        ((LOW, QUIET), ("--pod", "quiet"), ExitCode.DONE),
        ((LOW, QUIET), ("-n", "shop", "--node", "vm"), ExitCode.DRIFT),
        ((LOW, UNKNOWN), ("--exit-zero",), ExitCode.COULD_NOT),
    ],
)
def test_exit_codes(
    heard: Heard, looks: tuple[ContainerLook, ...], words: tuple[str, ...], code: ExitCode
) -> None:
    heard.say("vm", *looks)
    assert run(*words) == code


def test_a_silent_node_is_unknown(heard: Heard, capsys: pytest.CaptureFixture[str]) -> None:
    heard.say("vm-1", QUIET)
    heard.say("vm-2", QUIET, ago=400)
    assert run("--node", "vm-1") == ExitCode.DONE
    capsys.readouterr()
    assert run("--exit-zero") == ExitCode.COULD_NOT
    out = capsys.readouterr().out
    assert "✓ vm-1: 1 container, 1 as the image says\n  said just now\n" in out
    assert "? vm-2: unknown since 20" in " ".join(out.split())
    assert "✓ vm-2" not in out
    # Whatever is asked for may be there, too.
    assert run("--pod", "quiet") == ExitCode.COULD_NOT
    assert run("--node", "vm-2") == ExitCode.COULD_NOT


def test_how_long_a_node_may_be_silent_is_configured(heard: Heard, alone: Path) -> None:
    heard.say("vm", QUIET, ago=400)
    (alone / "plumbline.yaml").write_text("agents: {stale_after: 1h}\n", encoding="utf-8")
    assert run() == ExitCode.DONE


def test_programs_read_it(heard: Heard, capsys: pytest.CaptureFixture[str]) -> None:
    heard.say("vm-1", LOW, QUIET)
    heard.say("vm-2", LOW, ago=4000)
    run("-o", "json")
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "plumbline.dev/node-reports/v1"
    first, second = document["nodes"]
    assert (first["node"], first["stale"], first["lastLook"]) == ("vm-1", False, None)
    assert first["look"]["summary"]["drifted"] == 1
    assert (second["stale"], second["look"]) == (True, None)
    assert len(second["lastLook"]["drifts"]) == 1
    run("-o", "yaml", "--pod", "quiet")
    read = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["node"] for each in read] == ["vm-1", "vm-2"]
    assert [each["container"]["pod"] for each in read[0]["look"]["containers"]] == ["quiet"]


def test_nodes_where_nothing_is_left_are_left_out(
    heard: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    heard.say("vm-1", LOW)
    heard.say("vm-2", QUIET)
    assert run("--pod", "quiet") == ExitCode.DONE
    assert "vm-1" not in capsys.readouterr().out
    # What couldn't be told there may be of such a pod.
    heard.say("vm-1", LOW, note="a container ended\x1b")
    assert run("--pod", "quiet") == ExitCode.COULD_NOT
    captured = capsys.readouterr()
    assert "vm-1" not in captured.out
    assert "vm-1: a container ended\\x1b" in captured.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--pod", "x"), "no agent told of a container of such a pod"),
        (("--node", "x"), "no agent of the node 'x' was heard; heard were: vm"),
        (("--watch", "3"), "--watch goes with --node-local"),
        (("--pods", "-"), "--pods goes with --node-local"),
        (("--limit", "3"), "--limit goes with --node-local"),
    ],
)
def test_what_cannot_be_shown_is_said(
    heard: Heard, words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heard.say("vm", QUIET)
    assert run(*words) == ExitCode.COULD_NOT
    assert why in capsys.readouterr().err


def test_where_nothing_was_heard_the_way_is_told(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == ExitCode.COULD_NOT
    assert "there is no history" in (said := capsys.readouterr().err)
    assert "--node-local" in said
    DatabaseHistory.open(str(alone / "state" / "history.db")).close()
    assert run() == ExitCode.COULD_NOT
    assert "no node agent has told the controller anything yet" in capsys.readouterr().err
    (alone / "plumbline.yaml").write_text("agents: {stale_after: 0s}\n", encoding="utf-8")
    assert run() == ExitCode.COULD_NOT
    assert "agents.stale_after must be longer than nothing" in capsys.readouterr().err
