"""Kept renderings: by content, private, few, and never an error."""

import os
import stat
from pathlib import Path

import pytest

from reconciler.adapters.sources.kept import HeldRendering, Kept, RenderedCache, digest
from reconciler.core.desired import Manifest, SourceLocation


def manifest(name: str, path: str = "a.yaml") -> Manifest:
    body = {"apiVersion": "v1", "kind": "A", "metadata": {"name": name}, "n": [1, 1.5, None, "ä"]}
    return Manifest(body, SourceLocation(path, 3))


KEPT = Kept((manifest("a"), manifest("b")), ("a note",), "d1")


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = RenderedCache(tmp_path / "r")
    assert cache.load(("x",)) is None
    cache.save(("x",), KEPT)
    assert cache.load(("x",)) == KEPT
    assert cache.load(("y",)) is None
    assert cache.load(("x", "")) is None


def test_it_is_private(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir(mode=0o755)
    RenderedCache(tmp_path / "r").save(("x",), KEPT)
    (file,) = (tmp_path / "r").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700


@pytest.mark.parametrize("size", [0, 10, 31, 32, 100, -1])
def test_a_damaged_file_is_a_miss(tmp_path: Path, size: int) -> None:
    cache = RenderedCache(tmp_path)
    cache.save(("x",), KEPT)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:size])
    assert cache.load(("x",)) is None


def test_a_changed_byte_is_a_miss(tmp_path: Path) -> None:
    cache = RenderedCache(tmp_path)
    cache.save(("x",), KEPT)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert b'"name":"a"' in content
    file.write_bytes(content.replace(b'"name":"a"', b'"name":"z"'))
    assert cache.load(("x",)) is None


def test_only_the_last_used_are_kept(tmp_path: Path) -> None:
    cache = RenderedCache(tmp_path)
    for number in range(20):
        cache.save((str(number),), KEPT)
        os.utime(cache._path((str(number),)), (number, number))
    assert cache.load(("0",)) == KEPT
    cache.save(("new",), KEPT)
    assert len(list(tmp_path.iterdir())) == 20
    assert cache.load(("0",)) == KEPT
    assert cache.load(("1",)) is None


def test_a_folder_that_cant_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = RenderedCache(tmp_path / "file" / "r")
    cache.save(("x",), KEPT)
    assert cache.load(("x",)) is None


def test_without_an_identity_nothing_is_kept(tmp_path: Path) -> None:
    RenderedCache(tmp_path).save((), KEPT)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_of_what_is_declared_and_not_of_where() -> None:
    assert digest([manifest("a")]) == digest([manifest("a", "elsewhere.yaml")])
    assert digest([manifest("a")]) != digest([manifest("b")])


def test_the_last_rendering_is_held_and_no_file_is_read_for_it(tmp_path: Path) -> None:
    files = RenderedCache(tmp_path)
    files.save(("x",), KEPT)
    held = HeldRendering(files)
    first = held.load(("x",))
    assert first == KEPT
    for file in tmp_path.iterdir():
        file.unlink()
    assert held.load(["x"]) is first
    # Another one takes its place, whether it is there or not.
    assert held.load(("y",)) is None
    assert held.load(("x",)) is None


def test_what_is_rendered_is_held_and_kept(tmp_path: Path) -> None:
    held = HeldRendering(RenderedCache(tmp_path))
    held.save(("x",), KEPT)
    assert held.load(("x",)) is KEPT
    assert RenderedCache(tmp_path).load(("x",)) == KEPT
    held.save((), KEPT)
    assert held.load(()) is None
