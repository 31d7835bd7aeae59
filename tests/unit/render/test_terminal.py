from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.terminal import (
    Cell,
    Ink,
    Line,
    Span,
    Style,
    display_width,
    flow,
    is_safe,
    line_width,
    painted,
    safe,
    split_at,
    truncated,
    wrapped,
)
from tests.unit.render.strategies import TEXT

PLAIN = Style(colour=False, width=40)


def shown(lines: list[Line]) -> list[str]:
    return painted(lines, PLAIN).splitlines()


def test_what_a_terminal_would_act_on_is_written_out() -> None:
    assert safe("\x1b[31m") == r"\x1b[31m"
    assert safe("\x9b31m") == r"\x9b31m"
    assert safe("a\r\nb\tc") == r"a\r\nb\tc"
    assert safe("\x7f") == r"\x7f"


def test_what_a_reader_could_not_see_is_written_out() -> None:
    assert safe("user\u202egnp.exe") == r"user\u202egnp.exe"
    assert safe("zero\u200bwidth") == r"zero\u200bwidth"
    assert safe("no\u00a0break") == r"no\xa0break"
    assert safe("\u3164filler") == r"\u3164filler"
    assert safe("\ufe0fselector") == r"\ufe0fselector"
    assert safe("\U000e0041tag") == r"\U000e0041tag"
    assert safe("\ud800half") == r"\ud800half"
    assert safe("\u2028line") == r"\u2028line"


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("plain", "naïve café", "日本語", "नमस्ते", "שלום", "🚀 → …", "e\u0301"):
        assert safe(text) == text


def test_marks_that_climb_over_other_lines_are_cut_off() -> None:
    assert safe("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + r"\u0301" * 2


@given(TEXT)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert is_safe(safe(text))
    assert safe(safe(text)) == safe(text)
    assert is_safe(text) == (safe(text) == text)


def test_a_span_is_harmless_whatever_it_is_given() -> None:
    assert Span("\x1b[0m").text == r"\x1b[0m"


def test_widths() -> None:
    assert display_width("abc") == 3
    assert display_width("日本") == 4
    assert display_width("e\u0301") == 1
    assert display_width("a日") == 3
    assert split_at("日本語", 5) == ("日本", "語")
    assert split_at("日", 1) == ("日", "")
    assert split_at("日本", 1) == ("日", "本")
    assert truncated("日本語", 5) == "日本…"
    assert truncated("日本語", 6) == "日本語"


def test_a_width_too_small_to_lay_out_counts_as_forty() -> None:
    assert Style(False, 10).columns == 40
    assert Style(False, 100).columns == 100
    assert Style(False, 0).columns > 10_000


def test_cells_stand_at_their_columns() -> None:
    cells = [Cell((Span("name"),)), Cell((Span("value"),), 12), Cell((Span("who"),), 5)]
    assert shown(flow(cells, PLAIN, indent=2)) == ["  name      value  who"]


def test_a_cell_comes_earlier_before_it_goes_to_another_line() -> None:
    cells = [Cell((Span("name"),)), Cell((Span("v" * 30),), 20)]
    assert shown(flow(cells, PLAIN)) == ["name  " + "v" * 30]


def test_a_cell_without_room_goes_on_below() -> None:
    cells = [Cell((Span("n" * 30),)), Cell((Span("v" * 20),), 4), Cell((Span("w" * 10),))]
    assert shown(flow(cells, PLAIN, hanging=6)) == [
        "n" * 30,
        " " * 6 + "v" * 20 + "  " + "w" * 10,
    ]


def test_a_cell_longer_than_a_line_is_wrapped_at_spaces() -> None:
    cells = [Cell((Span("word " * 12),)), Cell((Span("x" * 50),)), Cell((Span("end"),))]
    assert shown(flow(cells, PLAIN, hanging=4)) == [
        "word word word word word word word",
        "    word word word word word",
        "    " + "x" * 36,
        "    " + "x" * 14 + "  end",
    ]


def test_spaces_that_end_a_line_are_not_carried_over() -> None:
    assert wrapped([Span("abcdef"), Span("   "), Span("gh")], 6) == [
        (Span("abcdef"),),
        (Span("gh"),),
    ]


def test_a_very_long_word_is_broken_without_delay() -> None:
    lines = wrapped([Span("日" * 300_000)], 101)
    assert len(lines) == 6_000
    assert line_width(lines[0]) == 100


def test_spans_keep_their_ink_when_they_are_wrapped() -> None:
    lines = wrapped([Span("red red", Ink.RED), Span(" green", Ink.GREEN)], 8)
    assert lines == [
        (Span("red", Ink.RED), Span(" red", Ink.RED)),
        (Span("green", Ink.GREEN),),
    ]


@given(st.lists(st.builds(Span, TEXT), max_size=4), st.integers(2, 60))
def test_no_wrapped_line_is_too_long_and_no_character_is_lost(
    spans: list[Span], columns: int
) -> None:
    lines = wrapped(spans, columns)
    assert all(line_width(line) <= columns for line in lines)
    flat = "".join(span.text for line in lines for span in line)
    assert flat.replace(" ", "") == "".join(span.text for span in spans).replace(" ", "")


def test_colours_are_written_only_where_they_are_wanted() -> None:
    line: Line = (Span("a", Ink.RED), Span("b"), Span("", Ink.DIM), Span("  "))
    assert painted([line], Style(True, 40)) == "\x1b[31ma\x1b[0mb\n"
    assert painted([line], Style(False, 40)) == "ab\n"
