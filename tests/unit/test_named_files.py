"""Files that settings name: read, or what is wrong is said with the setting's name."""

from pathlib import Path

import pytest

from reconciler.core.errors import ConfigError
from reconciler.settings.named_files import bytes_named, text_named


def test_white_space_around_is_none_of_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes("\n s3same für dich \r\n".encode())
    assert bytes_named("forge.token_file", str(file)) == "s3same für dich".encode()
    assert text_named("forge.token_file", str(file)) == "s3same für dich"


def test_nothing_may_be_in_it_unless_something_must(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" \n")
    assert text_named("forge.token_file", str(file)) == ""
    with pytest.raises(ConfigError, match=r"forge\.token_file: .*/token is empty") as caught:
        text_named("forge.token_file", str(file), if_empty="write it")
    assert "fix: write it" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"s3same \xff", "it is no text")]
)
def test_what_cannot_be_read_is_said_and_not_quoted(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        text_named("forge.token_file", str(file), "name another")
    assert str(caught.value).startswith(f"forge.token_file: {file} can't be read: {reason}")
    assert "fix: name another" in str(caught.value)
    assert "s3same" not in str(caught.value)


def test_a_secret_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\n")
    with pytest.raises(ConfigError, match="is empty"):
        bytes_named("hooks.secret_files", str(file), if_empty="write it")
