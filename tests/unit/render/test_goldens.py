"""Every case looks as its golden files say, and no golden file is left over."""

from pathlib import Path

import pytest

from tests.unit.render.goldens import FOLDER, renderings, schema_texts

RENDERINGS = renderings()


@pytest.mark.parametrize("name", RENDERINGS)
def test_a_case_looks_as_its_golden_file(name: str) -> None:
    assert (FOLDER / name).read_bytes().decode() == RENDERINGS[name]


def test_no_golden_file_is_left_over() -> None:
    files = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.is_file()}
    assert files == set(RENDERINGS)


@pytest.mark.parametrize(("path", "text"), schema_texts().items())
def test_a_shipped_schema_is_what_the_code_says(path: Path, text: str) -> None:
    assert path.read_bytes().decode() == text


def test_no_body_of_a_write_is_ever_shown() -> None:
    assert not [name for name, text in RENDERINGS.items() if "never shown" in text]
