"""What is shown of a renderer's errors."""

from pathlib import Path

import pytest

from reconciler.adapters.sources.programs import find_program, safe_words, scalars
from reconciler.adapters.sources.tree import leaves_tree
from reconciler.core.errors import SourceError

HOME = Path("/tmp/plumbline-x/home")


@pytest.mark.parametrize(
    ("stderr", "shown"),
    [
        ("Error: no such file\n", "Error: no such file"),
        ("# Warning: 'bases' is deprecated\nError: x\n", "Error: x"),
        ("walk.go:75: found symbolic link in path\nError: y\n", "Error: y"),
        ("error: in /tmp/plumbline-x/tree/base/a.yaml: bad\n", "error: in base/a.yaml: bad"),
        ("error: wrong kind: node contents: {a: s3cret}", "error: wrong kind: (contents left out)"),
        ("error: config: `\na: s3cret\n`: no\n", "error: config: (contents left out): no"),
        ("bad value pw1 in pw1x", "bad value *** in pw1x"),
        ("token ghp_abcdef0123456789abcdef0123", "token ***"),
        ("at deploy/overlays/production-1/thing", "at deploy/overlays/production-1/thing"),
        ("get https://u:s3cret@h/x", "get https://***@h/x"),
        ("\x1b]0;x\x07bad", "]0;x bad"),
        ("", ""),
    ],
)  # fmt: skip
def test_safe_words(stderr: str, shown: str) -> None:
    assert safe_words(stderr, HOME, {"pw1", "a"}) == shown


def test_values_to_mask() -> None:
    assert scalars(b"a: {b: [x, 1, true, ~]}\nc: z\n") == {"x", "1", "z"}
    assert scalars(b"a: [") == set()


def test_a_program_is_named_found_or_missing(tmp_path: Path) -> None:
    program = tmp_path / "two"
    program.write_text("")
    program.chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    assert find_program(("one", "two"), None, environ, "x needs it") == str(program)
    assert find_program(("one",), str(program), {"PATH": ""}, "x needs it") == str(program)
    with pytest.raises(SourceError, match="one or three isn't there, and x needs it") as caught:
        find_program(("one", "three"), None, environ, "x needs it")
    assert "install one" in caught.value.fix
    with pytest.raises(SourceError, match="four isn't there"):
        find_program(("two",), "four", environ, "x needs it")


@pytest.mark.parametrize(
    ("link", "target", "leaves"),
    [
        ("a", "b", False),
        ("a/b", "../c", False),
        ("a/b", "../../c", True),
        ("a", "..", True),
        ("a", "/etc", True),
        ("a/b/c", "../../../x", True),
        ("a/b", "./x/../..", False),
        ("a/b", "x\x00", True),
        ("a", "..b", False),
    ],
)
def test_links_that_leave(link: str, target: str, leaves: bool) -> None:
    assert leaves_tree(link, target) is leaves
