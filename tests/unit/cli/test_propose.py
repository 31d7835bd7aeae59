"""`plumbline propose`, the whole of it, over a real HTTP server and a real Git repository."""

import json
from typing import Any

import pytest

from reconciler.cli.main import main
from tests.unit.cli.conftest import Shop, commit

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def drifted(shop: Shop) -> Shop:
    shop.recolour()
    return shop


def adopt(shop: Shop, *words: str) -> int:
    return main(shop.words("propose", "--mode", "adopt", *words))


def told(shop: Shop, capsys: Captured, *words: str) -> dict[str, Any]:
    adopt(shop, "-o", "json", *words)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_dry_run_shows_the_edits_and_makes_none(drifted: Shop, capsys: Captured) -> None:
    before = (drifted.repo / "shop.yaml").read_text()
    assert adopt(drifted, "--dry-run") == 1
    out = capsys.readouterr().out
    assert "-  colour: blue\n+  colour: red\n" in out
    assert "✓ ConfigMap shop/settings  data.colour (shop.yaml)" in out
    assert (drifted.repo / "shop.yaml").read_text() == before
    assert drifted.writes == 0


def test_files_are_edited_in_place(drifted: Shop, capsys: Captured) -> None:
    assert adopt(drifted, "--write") == 0
    assert "Written" in capsys.readouterr().out
    assert "colour: red" in (drifted.repo / "shop.yaml").read_text()
    commit(drifted.repo)
    assert main(drifted.words("check")) == 0
    capsys.readouterr()
    assert adopt(drifted, "--write") == 0
    assert "Nothing to adopt" in capsys.readouterr().out


def test_what_is_not_committed_is_not_written_over(drifted: Shop, capsys: Captured) -> None:
    file = drifted.repo / "shop.yaml"
    file.write_text(file.read_text() + "# mine\n")
    assert adopt(drifted, "--write") == 2
    assert "aren't committed" in capsys.readouterr().err
    assert "colour: blue" in file.read_text()


def test_a_check_after_it_tells_the_same_drift(drifted: Shop, capsys: Captured) -> None:
    # What was only tried was never declared: nobody takes it for an earlier declaration.
    adopt(drifted, "--dry-run")
    capsys.readouterr()
    main(drifted.words("check", "-o", "json"))
    (drift,) = json.loads(capsys.readouterr().out)["drifts"]
    assert drift["type"] == "Modified"


def test_one_drift_is_named_by_its_id(drifted: Shop, capsys: Captured) -> None:
    drifted.declare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone, namespace: shop}\n")
    both = told(drifted, capsys, "--dry-run")["adopted"]
    assert sorted(each["resource"]["name"] for each in both) == ["gone", "settings"]
    one = told(drifted, capsys, "--dry-run", "--id", both[0]["id"])
    assert [each["id"] for each in one["adopted"]] == [both[0]["id"]]
    assert one["pullRequest"] is None
    assert adopt(drifted, "--dry-run", "--id", "d-x") == 2
    assert "there is no drift d-x" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--mode", "adopt"], "a folder has no pull requests"),
        (["--mode", "adopt", "--write", "--ref", "HEAD"], "--ref names another revision"),
        (["--mode", "revert"], "nobody would hear"),
        (["--mode", "revert", "--write"], "--write goes with --mode adopt"),
        (["--mode", "revert", "--id", "d-1"], "--id goes with --mode adopt"),
    ],
)
def test_what_can_not_be_done_is_refused(
    drifted: Shop, capsys: Captured, words: list[str], reason: str
) -> None:
    assert main(drifted.words("propose", *words)) == 2
    assert reason in capsys.readouterr().err
    assert drifted.writes == 0


def test_a_repository_elsewhere_is_not_written_in_place(shop: Shop, capsys: Captured) -> None:
    words = ["propose", "--mode", "adopt", "--write", "--repo", "https://git.example/x.git"]
    assert main([*words, *shop.places()]) == 2
    assert "the repository is elsewhere" in capsys.readouterr().err


def test_a_forge_is_asked_for_before_anything_is_read(shop: Shop, capsys: Captured) -> None:
    words = ["propose", "--mode", "adopt", "--repo", "https://git.example/x.git", "--ref", "main"]
    assert main([*words, *shop.places()]) == 2
    assert "no forge is configured" in capsys.readouterr().err


def test_several_targets_have_several_answers(
    drifted: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = [
        {"name": "good", "source": {"repo": str(drifted.repo)}},
        {"name": "bad", "source": {"repo": str(drifted.repo), "path": "nowhere"}},
    ]
    (drifted.folder / "plumbline.yaml").write_text(json.dumps({"targets": targets}))
    words = ["propose", "--mode", "adopt", "--dry-run", "-o", "json", *drifted.places()]
    assert main(words) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [each["target"] for each in document["proposals"]] == ["good"]
    assert "bad: " in captured.err


def test_the_mode_is_asked_for(shop: Shop, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(shop.words("propose"))
    assert "--mode" in capsys.readouterr().err


# Profiles


def learned(shop: Shop, *paths: str, name: str = "learned.json") -> str:
    write = [{"path": path, "reason": "learned: 1 file in 1 container"} for path in paths]
    file = shop.folder / name
    file.write_text(json.dumps({"profiles": [{"image": "web", "write": write}]}))
    return str(file)


def propose(shop: Shop, *words: str) -> int:
    return main(shop.words("propose", "--mode", "profile", *words))


def test_learned_profiles_are_written_where_the_setting_says(
    shop: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = learned(shop, "/a/**"), learned(shop, "/a/b", "/c", name="other.json")
    words = ("--learned", first, "--learned", second)
    assert propose(shop, *words, "--dry-run") == 1
    assert "Allows 2 places of 1 image" in capsys.readouterr().out
    monkeypatch.setenv("PLUMBLINE_AGENTS__PROFILES", "profiles/web.json")
    assert propose(shop, *words, "--write") == 2
    assert "couldn't be read with profiles/web.json beside" in capsys.readouterr().err
    monkeypatch.setenv("PLUMBLINE_AGENTS__PROFILES", ".shop/web.json")
    assert propose(shop, *words, "--write") == 0
    assert "Written; look at it" in capsys.readouterr().out
    file = shop.repo / ".shop" / "web.json"
    written = json.loads(file.read_text())
    assert [each["path"] for each in written["profiles"][0]["write"]] == ["/a/**", "/c"]
    assert "learned" not in written
    commit(shop.repo)
    assert propose(shop, *words, "--write", "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["added"], document["pullRequest"]) == ([], None)
    file.write_text("mine")
    commit(shop.repo)
    assert propose(shop, *words, "--dry-run") == 2
    assert ".shop/web.json in Git is no JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--mode", "profile"], "--learned names no file"),
        (["--mode", "profile", "--learned", "nothing.json"], "a folder has no pull requests"),
        (["--mode", "profile", "--learned", "nothing.json", "--dry-run"], "No such file"),
        (["--mode", "profile", "--learned", "x", "--id", "d-1"], "--id is about objects"),
        (["--mode", "profile", "--learned", "x", "--offline"], "--offline is about objects"),
        (["--mode", "adopt", "--learned", "x"], "--learned goes with --mode profile"),
    ],
)
def test_what_profiles_have_nothing_to_do_with_is_refused(
    shop: Shop, capsys: Captured, words: list[str], reason: str
) -> None:
    assert main(shop.words("propose", *words)) == 2
    assert reason in capsys.readouterr().err
