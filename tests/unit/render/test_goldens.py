"""Every case looks as its golden files say, and no golden file is left over."""

import pytest

from tests.unit.render.goldens import FOLDER, SCHEMA, renderings, schema_text

RENDERINGS = renderings()


@pytest.mark.parametrize("name", RENDERINGS)
def test_a_case_looks_as_its_golden_file(name: str) -> None:
    assert (FOLDER / name).read_bytes().decode() == RENDERINGS[name]


def test_no_golden_file_is_left_over() -> None:
    files = {str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.is_file()}
    assert files == set(RENDERINGS)


def test_the_shipped_schema_is_what_the_code_says() -> None:
    assert SCHEMA.read_bytes().decode() == schema_text()


def test_no_body_of_a_write_is_ever_shown() -> None:
    assert not [name for name, text in RENDERINGS.items() if "never shown" in text]
