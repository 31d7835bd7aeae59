import re
from dataclasses import replace

from hypothesis import given

from reconciler.core.drift import Change, ChangeType
from reconciler.core.report import Report, Unproven
from reconciler.core.resource import ResourceKey
from reconciler.render.markdown import LIMIT, code, report_markdown
from tests.unit.render.cases import (
    DRIFTED,
    DRIFTS,
    EDIT,
    HOSTILE,
    IN_SYNC,
    NOW,
    OFFLINE,
    SETTINGS,
)
from tests.unit.render.strategies import TEXT


def outside_of_code(text: str) -> str:
    """Gives what GitHub reads as markup: without fences, code spans and `<code>` elements.

    Follows CommonMark: a fence closes at a line of at least as many backticks, a code span at a
    run of exactly as many.
    """
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if fence:
            fence = "" if re.fullmatch(rf"{fence}`* *", line) else fence
        elif re.match("```+[^`]*$", line):
            fence = re.match("`+", line)[0]  # type: ignore[index]
        else:
            kept.append(line)
    assert not fence
    without = re.sub(r"<code>[^<]*</code>", "", "\n".join(kept))
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", without)


def size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_nothing_from_a_cluster_is_read_as_markup() -> None:
    rest = outside_of_code(report_markdown(HOSTILE, NOW))
    for hostile in ("script", "@everyone", "javascript", "#1", "evil.example", "owned"):
        assert hostile not in rest
    tags = set(re.findall(r"</?\w+", rest))
    assert tags == {"<details", "</details", "<summary", "</summary", "<sub", "</sub"}
    assert rest.count("<details>") == rest.count("</details>") == 2


@given(TEXT)
def test_a_code_span_holds_its_text(text: str) -> None:
    assert outside_of_code(f"a {code(text)} b") == "a  b"


def test_a_report_in_sync_is_one_line_and_its_facts() -> None:
    lines = report_markdown(IN_SYNC, NOW).splitlines()
    assert lines[0] == "### ✅ `shop` @ `4f0c12a`: all 166 objects in sync"
    assert len(lines) == 3


def test_what_could_only_not_be_read_is_not_called_drift() -> None:
    summary = replace(DRIFTED.summary, drifted=0, unreadable=1)
    text = report_markdown(replace(DRIFTED, drifts=DRIFTS[5:], summary=summary), NOW)
    assert text.startswith("### ❔ `shop` @ `4f0c12a`: not all could be read\n")
    assert "**1 unreadable**" in text


def test_an_unmanaged_object_of_which_nobody_knows_who_made_it() -> None:
    text = report_markdown(replace(DRIFTED, drifts=(replace(DRIFTS[1], by=None),)), NOW)
    assert "Live but not declared.\n" in text


def _many(count: int, lines: int) -> Report:
    change = Change(
        ("data", "conf"),
        ChangeType.ADDED,
        None,
        "".join(f"{'x' * 90}{n}\n" for n in range(lines)),
        EDIT,
    )
    drifts = tuple(
        replace(DRIFTS[3], key=ResourceKey("", "ConfigMap", "shop", f"c{n}"), changes=(change,))
        for n in range(count)
    )
    return replace(DRIFTED, drifts=drifts)


def test_a_long_report_is_cut_between_objects_and_says_so() -> None:
    text = report_markdown(_many(100, 50), NOW)
    assert LIMIT - 8_000 < size(text) <= LIMIT
    left = re.search(r"\*\*(\d+) objects more, left out", text)
    assert left is not None
    assert int(left[1]) == 100 - text.count("<details>")
    assert "# … (10 more lines)" in text
    assert text.rstrip().endswith("</sub>")


def test_a_long_object_is_cut_between_changes_and_says_so() -> None:
    drift = _many(1, 50).drifts[0]
    many = replace(drift, changes=drift.changes * 9)
    text = report_markdown(replace(DRIFTED, drifts=(many, DRIFTS[0])), NOW)
    assert "changes more, left out." in text
    assert "Deployment shop/web" in text


def test_an_object_with_a_change_too_long_to_show() -> None:
    line = "🚀" * 390
    change = Change(("data", "x"), ChangeType.ADDED, None, f"{line}\n" * 40, EDIT)
    text = report_markdown(replace(DRIFTED, drifts=(replace(DRIFTS[3], changes=(change,)),)), NOW)
    assert "1 change more, left out." in text
    assert "```" not in text


def test_many_notes_and_unproven_fields_are_counted() -> None:
    unproven = tuple(Unproven(SETTINGS, f"data.k{n}", "🚀" * 5_000) for n in range(12))
    many = replace(OFFLINE, unproven=unproven, notes=("🚀" * 5_000,) * 13)
    text = report_markdown(many, NOW)
    assert "… and 2 more" in text
    assert "… and 3 more" in text
    assert size(text) <= LIMIT
