"""`plumbline restore`, the whole of it, over a real HTTP server and a real terminal."""

import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from tests.unit.cli.conftest import SETTINGS, Shop, Terminal

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def drifted(shop: Shop) -> Shop:
    """A shop of which one object was edited by hand."""
    shop.recolour()
    return shop


@pytest.fixture
def asked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal that is standard input."""
    with open(terminal.line, encoding="utf-8", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield terminal


def _document(shop: Shop, capsys: Captured, *words: str) -> tuple[int, dict[str, Any]]:
    code = main(shop.words("restore", "-o", "json", *words))
    return code, json.loads(capsys.readouterr().out)


def _digest(shop: Shop, capsys: Captured) -> str:
    _, document = _document(shop, capsys, "--dry-run")
    return str(document["plan"]["digest"])


@pytest.mark.parametrize("answer", [b"y\n", b"yes\n", b" YES \n"])
def test_whoever_agrees_has_it_restored(
    drifted: Shop, asked: Terminal, capsys: Captured, answer: bytes
) -> None:
    asked.type(answer)
    assert main(drifted.words("restore")) == 0
    captured = capsys.readouterr()
    assert captured.err == "Carry out 1 action? [y/N] "
    assert captured.out.index("1. replace  ConfigMap shop/settings") < captured.out.index(
        "✓ ConfigMap shop/settings  restored"
    )
    assert captured.out.endswith(": all 3 objects in sync\n")
    assert drifted.colour == "blue"


@pytest.mark.parametrize("answer", [b"\n", b"n\n", b"no\n", b"yesterday\n", b"\xff\n"])
def test_any_other_answer_is_a_no(
    drifted: Shop, asked: Terminal, capsys: Captured, answer: bytes
) -> None:
    asked.type(answer)
    assert main(drifted.words("restore")) == 1
    captured = capsys.readouterr()
    assert captured.err == "Carry out 1 action? [y/N] nothing was written\n"
    assert "restored" not in captured.out
    assert (drifted.colour, drifted.writes) == ("red", 0)


def test_the_end_of_input_is_a_no(drifted: Shop, asked: Terminal, capsys: Captured) -> None:
    asked.type(b"\x04")  # Ctrl-D, as the terminal's line discipline knows it
    assert main(drifted.words("restore")) == 1
    assert capsys.readouterr().err == "Carry out 1 action? [y/N] \nnothing was written\n"
    assert (drifted.colour, drifted.writes) == ("red", 0)


def test_several_actions_are_asked_about_at_once(
    drifted: Shop, asked: Terminal, capsys: Captured
) -> None:
    drifted.declare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: shop}\n")
    asked.type(b"y\n")
    assert main(drifted.words("restore")) == 0
    assert capsys.readouterr().err == "Carry out 2 actions? [y/N] "
    assert drifted.writes == 2


def test_where_there_is_nobody_to_ask_nothing_is_written(
    drifted: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"y\n")))
    assert main(drifted.words("restore")) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("Plan p-")
    assert "there is nobody to ask" in captured.err
    assert "--yes, or --plan DIGEST" in captured.err
    assert (drifted.colour, drifted.writes) == ("red", 0)


def test_yes_asks_nothing(drifted: Shop, capsys: Captured) -> None:
    assert main(drifted.words("restore", "--yes")) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "✓ ConfigMap shop/settings  restored" in captured.out
    assert (drifted.colour, drifted.writes) == ("blue", 1)


def test_then_there_is_nothing_to_restore(shop: Shop, capsys: Captured) -> None:
    assert main(shop.words("restore")) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Nothing to restore in shop @ ")
    assert captured.err == ""
    assert shop.writes == 0


def test_a_dry_run_shows_the_plan_and_does_nothing(drifted: Shop, capsys: Captured) -> None:
    before = drifted.cluster.objects()
    assert main(drifted.words("restore", "--dry-run")) == 1
    captured = capsys.readouterr()
    digest = re.search(r"plumbline restore --plan (p-[0-9a-f]+)\n", captured.out)
    assert digest is not None
    assert captured.out.startswith(f"Plan {digest[1]} for shop @ ")
    assert "~ data.colour  red → blue  undoes kubectl-edit, " in captured.out
    assert captured.err == ""
    assert drifted.cluster.objects() == before


def test_a_dry_run_of_nothing_exits_0(shop: Shop) -> None:
    assert main(shop.words("restore", "--dry-run")) == 0


def test_exactly_the_plan_that_was_seen(drifted: Shop, capsys: Captured) -> None:
    digest = _digest(drifted, capsys)
    assert main(drifted.words("restore", "--plan", digest)) == 0
    assert "restored" in capsys.readouterr().out
    assert drifted.colour == "blue"


def test_a_plan_is_void_once_the_cluster_has_changed(drifted: Shop, capsys: Captured) -> None:
    digest = _digest(drifted, capsys)
    drifted.recolour("green")
    assert main(drifted.words("restore", "--plan", digest)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"plumbline: plan {digest} is void: ")
    assert f"the plan is now {_digest(drifted, capsys)}" in captured.err
    assert (drifted.colour, drifted.writes) == ("green", 0)


def test_a_plan_is_void_once_git_has_changed(drifted: Shop, capsys: Captured) -> None:
    digest = _digest(drifted, capsys)
    drifted.declare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: shop}\n")
    assert main(drifted.words("restore", "--plan", digest)) == 2
    assert drifted.writes == 0


def test_a_plan_is_void_once_there_is_nothing_to_do(drifted: Shop, capsys: Captured) -> None:
    digest = _digest(drifted, capsys)
    drifted.recolour("blue")
    assert main(drifted.words("restore", "--plan", digest)) == 2
    assert f"plan {digest} is void" in capsys.readouterr().err


def test_json_of_a_dry_run_holds_the_plan(drifted: Shop, capsys: Captured) -> None:
    code, document = _document(drifted, capsys, "--dry-run")
    assert code == 1
    assert document["schema"] == "plumbline.dev/report/v1"
    assert document["outcomes"] == []
    (action,) = document["plan"]["actions"]
    assert action["action"] == "replace"
    assert drifted.writes == 0


def test_json_of_a_restore_holds_what_became_of_it(drifted: Shop, capsys: Captured) -> None:
    code, document = _document(drifted, capsys, "--yes")
    assert code == 0
    assert [each["type"] for each in document["outcomes"]] == ["restored"]
    assert len(document["plan"]["actions"]) == 1
    assert document["summary"]["inSync"] == 3


def test_json_of_nothing_to_do(shop: Shop, capsys: Captured) -> None:
    code, document = _document(shop, capsys, "--yes")
    assert code == 0
    assert document["plan"]["actions"] == []


def test_json_leaves_no_place_for_a_question(drifted: Shop, capsys: Captured) -> None:
    assert main(drifted.words("restore", "-o", "json")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "-o json leaves no place for a question" in captured.err
    assert drifted.writes == 0


def test_a_dump_cannot_be_restored(drifted: Shop, capsys: Captured) -> None:
    assert main(drifted.words("restore", "--live", "dump.yaml", "--yes")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a dump can't be restored\n  fix: leave out --live" in captured.err
    assert drifted.writes == 0


@pytest.mark.parametrize(
    "words", [("--yes", "--dry-run"), ("--dry-run", "--plan", "p-1"), ("--yes", "--plan", "p-1")]
)
def test_flags_that_contradict_each_other(
    drifted: Shop, capsys: Captured, words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(drifted.words("restore", *words))
    assert end.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_write_that_is_refused_is_told_and_exits_2(drifted: Shop, capsys: Captured) -> None:
    # Dry runs want the same right, so it has to be taken away after them: warm, none is made.
    assert main(drifted.words("check")) == 1
    capsys.readouterr()
    drifted.cluster.forbid("update", "ConfigMap")
    assert main(drifted.words("restore", "--yes")) == 2
    out = capsys.readouterr().out
    assert "✗ ConfigMap shop/settings  refused" in out
    assert drifted.colour == "red"


def test_what_cannot_be_read_is_left_alone_and_exits_2(drifted: Shop, capsys: Captured) -> None:
    drifted.cluster.forbid("list", "ConfigMap")
    assert main(drifted.words("restore", "--dry-run")) == 2
    assert "Left alone\n  - ConfigMap shop/settings: " in capsys.readouterr().out
    assert main(drifted.words("restore", "--yes")) == 2
    assert drifted.writes == 0


def test_pruning_is_off_unless_asked_for(shop: Shop, capsys: Captured) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old, namespace: shop}\n"
    shop.declare(text, "old.yaml")
    shop.cluster.add(yaml.safe_load(text))
    assert main(shop.words("check", "-n", "shop")) == 0
    (shop.repo / "old.yaml").unlink()
    shop.declare("# nothing\n")
    assert main(shop.words("restore", "-n", "shop", "--yes")) == 1
    assert shop.writes == 0
    assert main(shop.words("restore", "-n", "shop", "--prune", "--yes")) == 0
    assert "1. delete   ConfigMap shop/old" in capsys.readouterr().out
    assert "old" not in {key.name for key in shop.cluster.objects()}


def test_making_anew_is_off_unless_asked_for(shop: Shop, capsys: Captured) -> None:
    shop.declare(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed, namespace: shop}\n"
        "immutable: true\ndata: {a: one}\n"
    )
    body = {"metadata": {"name": "fixed", "namespace": "shop"}, "data": {"a": "two"}}
    shop.cluster.add({"apiVersion": "v1", "kind": "ConfigMap", "immutable": True, **body})
    assert main(shop.words("restore", "--yes")) == 1
    assert "--recreate" in capsys.readouterr().out
    assert main(shop.words("restore", "--recreate", "--yes")) == 0
    assert "1. recreate ConfigMap shop/fixed" in capsys.readouterr().out


def test_several_configured_targets_want_a_name(drifted: Shop, capsys: Captured) -> None:
    targets = ", ".join(f"{{name: {name}, source: {{repo: shop}}}}" for name in ("one", "two"))
    (drifted.folder / "plumbline.yaml").write_text(f"targets: [{targets}]\n")
    assert main(["restore", "--yes", *drifted.places()]) == 2
    assert "several targets are configured: one, two" in capsys.readouterr().err
    assert main(["restore", "two", "--yes", *drifted.places()]) == 0
    assert drifted.colour == "blue"


def test_a_missing_object_is_made(shop: Shop, capsys: Captured) -> None:
    shop.cluster.remove(SETTINGS)
    assert main(shop.words("restore", "--yes")) == 0
    assert "1. create   ConfigMap shop/settings" in capsys.readouterr().out
    assert shop.colour == "blue"
