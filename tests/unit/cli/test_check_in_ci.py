"""What `plumbline check` is in a pipeline: two commits, a baseline, files in several formats."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.check import FORMATS
from reconciler.cli.main import main
from tests.unit.cli.conftest import SETTINGS, Shop

Captured = pytest.CaptureFixture[str]


def _branch(shop: Shop, old: str, new: str) -> None:
    """Makes a branch that changes the shop, and checks it out."""
    subprocess.run(["git", "branch", "-f", "merged"], cwd=shop.repo, check=True)
    file = shop.repo / "shop.yaml"
    text = file.read_text()
    assert old in text
    shop.declare(text.replace(old, new), "shop.yaml")


def _report(shop: Shop, capsys: Captured, *words: str) -> tuple[int, dict[str, Any]]:
    code = main(shop.words("check", "-o", "json", *words))
    return code, json.loads(capsys.readouterr().out)


def test_a_pull_request_that_loses_nothing(shop: Shop, capsys: Captured) -> None:
    _branch(shop, "size: large", "size: small")
    code, report = _report(shop, capsys, "--base", "merged", "-n", "shop")
    assert code == 0
    assert report["drifts"] == []
    merge = report["merge"]
    assert merge["base"] == report["revision"] != merge["head"]
    assert [each["effect"] for each in merge["effects"]] == ["change"]
    assert shop.writes == 0


def test_a_hot_fix_that_would_be_lost(shop: Shop, capsys: Captured) -> None:
    _branch(shop, "size: large", "size: small")
    shop.recolour()
    code, report = _report(shop, capsys, "--base", "merged")
    assert code == 1
    assert report["merge"]["overwrites"] == 1
    effects = {each["effect"]: each["drift"]["changes"] for each in report["merge"]["effects"]}
    assert [each["path"] for each in effects["overwrite"]] == ["data.colour"]
    assert [each["path"] for each in effects["change"]] == ["data.size"]
    assert main(shop.words("check", "--base", "merged", "--exit-zero")) == 0
    out = capsys.readouterr().out
    assert "~ data.colour  red → blue  edited live by kubectl-edit" in out
    assert "overwrites live drift of 1 object" in " ".join(out.split())


def test_a_hot_fix_that_it_declares(shop: Shop, capsys: Captured) -> None:
    _branch(shop, "colour: blue", "colour: red")
    shop.recolour()
    code, report = _report(shop, capsys, "--base", "merged")
    assert code == 0
    assert [each["effect"] for each in report["merge"]["effects"]] == ["adopt"]


def test_drift_that_it_does_not_touch_stops_no_merge(shop: Shop, capsys: Captured) -> None:
    _branch(shop, "web:1", "web:2")
    shop.recolour()
    code, report = _report(shop, capsys, "--base", "merged")
    assert code == 0
    assert [each["effect"] for each in report["merge"]["effects"]] == ["change", "keep"]
    assert len(report["drifts"]) == 1


@pytest.mark.parametrize("words", [(), ("--exit-zero",)])
def test_what_cannot_be_read_cannot_be_told(
    shop: Shop, capsys: Captured, words: tuple[str, ...]
) -> None:
    _branch(shop, "size: large", "size: small")
    shop.cluster.forbid("list", "ConfigMap")
    code, report = _report(shop, capsys, "--base", "merged", *words)
    assert code == 2
    assert [each["effect"] for each in report["merge"]["effects"]] == ["unknown"]


def test_two_commits_beside_a_dump(shop: Shop, capsys: Captured) -> None:
    _branch(shop, "size: large", "size: small")
    shop.recolour()
    items = list(shop.cluster.objects().values())
    dump = shop.folder / "dump.json"
    dump.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    shop.kubeconfig.unlink()
    code, report = _report(shop, capsys, "--base", "merged", "--live", str(dump))
    assert code == 1
    assert report["comparison"] == "offline"
    assert report["merge"]["overwrites"] == 1


def test_a_check_of_a_pull_request_leaves_nothing_behind(shop: Shop, capsys: Captured) -> None:
    """What the head would make isn't taken for what was once deployed."""
    _branch(shop, "size: large", "size: small")
    assert main(shop.words("check", "--base", "merged")) == 0
    subprocess.run(["git", "checkout", "-q", "merged"], cwd=shop.repo, check=True)
    capsys.readouterr()
    code, report = _report(shop, capsys)
    assert (code, report["drifts"]) == (0, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--base", ""), "--base names no commit"),
        (("--base", "nowhere"), "the base: --ref nowhere is no branch, tag or commit"),
        (("--base", "-x"), "begins with a hyphen"),
        (("--base", "merged", "--baseline", "b.yaml"), "leave one of them out"),
        (("--write-baseline",), "name it with --baseline FILE"),
        (("--baseline", "k", "--write-baseline", "-o", "json"), "leave out -o and --report"),
        (
            ("--baseline", "k", "--write-baseline", "--report", "json=r"),
            "leave out -o and --report",
        ),
        (("--baseline", "none.yaml"), "none.yaml isn't there"),
        (("--baseline", "."), "isn't there|is no file|can't be read"),
        (("--report", "sarif"), "is not of the form FORMAT=FILE"),
        (("--report", "doc=x"), "FORMAT is one of text, json"),
        (("--report", "sarif=no/such/folder"), "the file can't be written: No such file"),
        (("--comment", "https://git.example/ann/shop"), "names no pull request"),
        (("--comment", "https://git.example/ann/shop/pulls/1"), "PLUMBLINE_FORGE__TOKEN_FILE"),
    ],
)
def test_wrong_words_are_told(
    shop: Shop, capsys: Captured, words: tuple[str, ...], said: str
) -> None:
    subprocess.run(["git", "branch", "merged"], cwd=shop.repo, check=True)
    argv = [word for word in words if word != "-x"]
    argv = [f"--base={words[1]}"] if words == ("--base", "-x") else argv
    assert main(shop.words("check", *argv)) == 2
    err = capsys.readouterr().err
    assert any(each in err for each in said.split("|"))
    assert "Traceback" not in err


def test_an_old_cluster_gets_no_worse(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    file = shop.folder / "known.yaml"
    known = ("--baseline", str(file))
    assert main(shop.words("check", *known, "--write-baseline")) == 0
    assert "1 drift is known now; 1 without a reason" in capsys.readouterr().out
    text = file.read_text()
    file.write_text(text.replace("reason: ''", "reason: painted for the fair"))
    assert main(shop.words("check", *known)) == 0
    assert "nothing new or worse; 1 drift known by the baseline" in capsys.readouterr().out
    code, report = _report(shop, capsys, *known)
    assert (code, report["drifts"]) == (0, [])
    assert report["baseline"]["known"][0]["reason"] == "painted for the fair"

    shop.recolour("green")
    code, report = _report(shop, capsys, *known)
    assert code == 1
    assert "not the value that the baseline knows" in report["baseline"]["worse"][0]["reason"]

    shop.recolour("blue")
    assert main(shop.words("check", *known)) == 0
    assert "fixed since the baseline was written: ConfigMap shop/settings" in (
        capsys.readouterr().out
    )
    assert main(shop.words("check", *known, "--write-baseline")) == 0
    assert yaml.safe_load(file.read_text())["drifts"] == []


def test_a_baseline_as_json_and_one_that_is_damaged(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    file = shop.folder / "known.json"
    known = ("--baseline", str(file))
    assert main(shop.words("check", *known, "--write-baseline")) == 0
    assert json.loads(file.read_text())["drifts"][0]["name"] == "settings"
    assert main(shop.words("check", *known)) == 0
    file.write_text('<<<<<<< HEAD\n{"drifts": [\n=======\n')
    assert main(shop.words("check", *known)) == 2
    assert main(shop.words("check", *known, "--write-baseline")) == 2
    assert "resolve a merge's conflicts" in capsys.readouterr().err
    assert file.read_text().startswith("<<<<<<<")


def test_what_could_not_be_read_is_not_taken_for_known(shop: Shop, capsys: Captured) -> None:
    shop.cluster.forbid("list", "ConfigMap")
    known = ("--baseline", str(shop.folder / "known.yaml"))
    assert main(shop.words("check", *known, "--write-baseline")) == 2
    assert main(shop.words("check", *known)) == 2


def test_one_look_in_many_formats(shop: Shop, capsys: Captured) -> None:
    shop.recolour("\x1b[2J::error::owned")
    words = [f"--report={each}={shop.folder / each}" for each in FORMATS]
    assert main(shop.words("check", "-o", "github", *words)) == 1
    shown = capsys.readouterr().out
    assert shown == (shop.folder / "github").read_text()
    for each in FORMATS:
        text = (shop.folder / each).read_text()
        assert "settings" in text, each
        assert "\x1b" not in text
    assert not [line for line in shown.splitlines()[1:] if line]


@pytest.mark.parametrize("output", ["sarif", "junit", "html", "github", "gitlab"])
def test_no_format_of_ci_holds_a_secret(shop: Shop, capsys: Captured, output: str) -> None:
    body = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: "
    shop.declare(body + "{password: correct-horse}\n")
    shop.cluster.add(yaml.safe_load(body + "{password: battery-staple}\n"), "kubectl-edit")
    _branch(shop, "size: large", "size: small")
    shop.declare(body + "{password: correct-donkey}\n")
    for words in (("-o", output), ("-o", output, "--base", "merged")):
        assert main(shop.words("check", *words)) == 1
        out = capsys.readouterr().out
        assert "key" in out
        for secret in ("correct-", "battery-staple", "Y29ycmVjdC", "YmF0dGVyeS1zdGF"):
            assert secret not in out
    known = shop.folder / "known.yaml"
    assert main(shop.words("check", "--baseline", str(known), "--write-baseline")) == 0
    assert "masked" in known.read_text()
    assert "***" not in known.read_text()


def test_a_missing_object_is_in_every_format(shop: Shop, capsys: Captured, tmp_path: Path) -> None:
    shop.cluster.remove(SETTINGS)
    for output in ("sarif", "junit", "html", "github", "gitlab"):
        assert main(shop.words("check", "-o", output)) == 1
        assert "declared but not live" in capsys.readouterr().out
