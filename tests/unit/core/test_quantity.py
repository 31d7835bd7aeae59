"""Quantities are printed as the server prints them; the real server is asked elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.normalize.quantity import canonical, of_json


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("0", "0"),
        ("0.0", "0"),
        ("-0", "0"),
        ("0m", "0"),
        ("0Gi", "0"),
        ("1", "1"),
        ("+1", "+1"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1.500", "1.500"),
        ("1.5", "1500m"),
        ("1000", "1k"),
        ("1e3", "1e3"),
        ("12e6", "12e6"),
        ("129e6", "129e6"),
        ("1E3", "1E3"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("8Ki", "8Ki"),
        ("0.5Ki", "512"),
        ("0.1Mi", "104857600m"),
        ("128974848", "128974848"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("0.0001Ki", "102400u"),
        ("100Ei", "9223372036854775807"),
        ("1E", "1E"),
        ("-1.5", "-1500m"),
    ],
)
def test_is_printed_as_go_prints_it(written: str, printed: str) -> None:
    assert canonical(written) == printed


@pytest.mark.parametrize(
    ("written", "printed"),
    [("0.0001", "1m"), ("1n", "1m"), ("1.0001", "1001m"), ("0.25", "250m"), ("1.500", "1.500")],
)
def test_is_rounded_up_to_thousandths_in_a_resource_list(written: str, printed: str) -> None:
    assert canonical(written, rounded=True) == printed


@pytest.mark.parametrize("text", ["", "a", "1ki", "1.2.3", "1Gi1", "--1", "0x1", "1 Gi"])
def test_what_is_no_quantity_stays_as_it_is(text: str) -> None:
    assert canonical(text) == text


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (1, "1"),
        (0.5, "500m"),
        (2000, "2k"),
        (1000.0, "1k"),
        (1e9, "1G"),
        (0.00001, "10u"),
        (1e-7, "100e-9"),
        (1e21, "1e+21"),
        (True, True),
        (None, None),
        ("1", "1"),
    ],
)
def test_numbers_count_by_their_json_form(value: object, printed: object) -> None:
    assert of_json(value) == printed


@given(
    st.integers(0, 10**12),
    st.integers(0, 6),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-2"]),
)
def test_printing_what_was_printed_changes_nothing(number: int, digits: int, suffix: str) -> None:
    text = f"{number / 10**digits:.{digits}f}{suffix}"
    once = canonical(text)
    assert canonical(once) == once
