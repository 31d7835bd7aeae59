"""A container's files on a real overlay: the same as by brute force, whatever was done to them."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.overlays import (
    PLAIN,
    SPARING,
    Overlay,
    differences,
    layer,
    overlay,
)

Deed: TypeAlias = tuple[Any, ...]

_NAMES = st.sampled_from(["a", "b", "c", "d\udcff", "e\n"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_TEXTS = st.sampled_from(["", "x", "y", "one\ntwo\n", "one\nthree\n"])
#: VFS_CAP_REVISION_2 with CAP_NET_RAW (include/uapi/linux/capability.h).
_CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
_DEEDS = st.one_of(
    st.tuples(st.just("write"), _PATHS, _TEXTS),
    st.tuples(st.just("write"), _PATHS, _TEXTS),
    st.tuples(st.just("folder"), _PATHS),
    st.tuples(st.just("folder"), _PATHS),
    st.tuples(st.just("remove"), _PATHS),
    st.tuples(st.just("move"), _PATHS, _PATHS),
    st.tuples(st.just("move"), _PATHS, _PATHS),
    st.tuples(st.just("mode"), _PATHS, st.sampled_from([0o644, 0o755, 0o4755, 0o700, 0o1777])),
    st.tuples(st.just("owner"), _PATHS, st.sampled_from([0, 1000])),
    st.tuples(st.just("link"), _PATHS, _PATHS),
    st.tuples(st.just("hard"), _PATHS, _PATHS),
    st.tuples(st.just("fifo"), _PATHS),
    st.tuples(st.just("capability"), _PATHS),
    st.tuples(st.just("swap"), _PATHS),
)
_MANY = st.lists(_DEEDS, max_size=14)


def do(root: Path, deeds: Sequence[Deed]) -> None:
    """Does what can be done of it."""
    for what, first, *rest in deeds:
        with contextlib.suppress(OSError, shutil.Error):
            _DOING[what](root / first, root, *rest)


def _write(path: Path, _: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_fifo():  # nobody reads it
        path.write_text(text)


def _swap(path: Path, _: Path) -> None:
    """Has it gone, and a directory of the same name in its place."""
    _remove(path)
    path.mkdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


_DOING: Mapping[str, Callable[..., object]] = {
    "write": _write,
    "swap": _swap,
    "folder": lambda path, _: path.mkdir(parents=True),
    "remove": lambda path, _: _remove(path),
    "move": lambda path, root, other: path.rename(root / other),
    "mode": lambda path, _, mode: path.chmod(mode),
    "owner": lambda path, _, user: os.chown(path, user, user, follow_symlinks=False),
    "link": lambda path, _, other: path.symlink_to(other),
    "hard": lambda path, root, other: (root / other).hardlink_to(path),
    "fifo": lambda path, _: os.mkfifo(path),
    "capability": lambda path, _: os.setxattr(
        path, "security.capability", _CAPABILITY, follow_symlinks=False
    ),
}


def found_in(made: Overlay) -> set[tuple[str, str]]:
    findings = made.look()
    assert findings.unknown == []
    expected = sum(findings.expected.values())
    found = {(drift.path, drift.change.value) for drift in findings.drifts}
    assert len(found) == len(findings.drifts)
    assert expected == 0
    return found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(_MANY, _MANY, _MANY, st.sampled_from([SPARING, PLAIN]))
def test_what_is_found_is_what_differs(
    first: Sequence[Deed], second: Sequence[Deed], later: Sequence[Deed], options: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, deeds in enumerate((first, second)):
            with layer(folder, number) as seen:
                do(seen, deeds)
        with overlay(folder, 2, options) as made:
            do(made.merged, later)
            assert found_in(made) == differences(made.image, made.merged)
