"""The file of profiles: read, refused with its field, and read again."""

from pathlib import Path

import pytest

from reconciler.cli.profiles_file import read_learned, read_profiles, rereading, version_of
from reconciler.core.errors import ConfigError
from reconciler.core.profiles import Profiles

GOOD = '{"profiles": [{"image": "web", "write": [{"path": "/a", "reason": "b"}]}]}'


def test_it_is_read_and_what_has_ended_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.json"
    file.write_text(GOOD)
    assert read_profiles(str(file)).images[0].image == "web"
    assert read_learned(str(file), "--learn")[1] == ()
    assert capsys.readouterr().err == ""
    file.write_text('{"profiles": [{"image": "web", "until": "2020-01-31"}]}')
    read_profiles(str(file))
    assert "profiles[0] ended on 2020-01-31, and allows nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("{", "this is no JSON in line 1"),
        ("\ud800", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ('{"profiles": 1}', "profiles: it is no list"),
        (" " * (8 << 20) + GOOD, "it is too long"),
        ('{"profiles": [], "learned": [{}]}', "learned[0].node: it is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "p.json"
    if text is not None:
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError) as raised:
        read_learned(str(file), "--learned")
    assert raised.value.message.startswith(f"--learned {file}: ")
    assert message in raised.value.message
    assert raised.value.fix


def test_it_is_read_again_and_what_is_wrong_leaves_the_earlier_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.json"
    file.write_text(GOOD)
    used: list[Profiles] = []
    reread = rereading(str(file), used.append)
    reread()
    assert used == []
    for text in ('{"profiles": []}', "no", GOOD):
        other = tmp_path / "other"
        other.write_text(text)
        other.replace(file)
        reread()
        reread()
    assert [len(each.images) for each in used] == [0, 1]
    told = capsys.readouterr().err
    assert told.count("what it said before holds") == 1
    assert told.count("was read again: 1 profiles") == 1
    rereading(None, used.append)()
    assert version_of(None) == version_of(str(tmp_path / "nothing")) == (0, 0, 0)
