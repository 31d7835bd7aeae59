"""Fixes of manifests: what Git is made to declare, for a terminal, for programs, as a pull request.

The same fixes always make the same texts, so that a pull request is updated only when there is
news. What a report would mask is masked in the files' differences too.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.fixes import Fix, Fixed, Fixing, Purpose, Unfixed
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject
from reconciler.render.file_edits import diff_lines, files_diff
from reconciler.render.json_values import encodable, json_value, key_document
from reconciler.render.markdown import LIMIT, code, size
from reconciler.render.proposals import plain
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Cell, Ink, Span, Style, flow, painted, truncated
from reconciler.render.values import inline

SCHEMA: Final = "plumbline.dev/fixes/v1"

#: As in `proposals`: for reading, and for the sentence about what is left out.
_TITLE: Final = 120
_LEFT_OUT: Final = 100
#: How many of what is left, and how many files, are told of in a pull request.
_LEFT: Final = 40
_FILES: Final = 40

_WHAT: Final = {Purpose.IMAGES: "Update images of", Purpose.HARDEN: "Harden"}
_OTHERS: Final = {
    Purpose.IMAGES: "Other findings, which no edit of an image's name ends",
    Purpose.HARDEN: "Other findings, which are for people: they have no safe edit, or weren't "
    "asked for",
}


def fixing_title(fixing: Fixing) -> str:
    """Says in one line what Git is to declare."""
    what = _WHAT[fixing.purpose]
    return truncated(f"{what} {plain(fixing.target)}: {_counts(fixing)}", _TITLE)


def fixing_message(fixing: Fixing) -> str:
    """Writes the message of the commit that edits the manifests."""
    target = truncated(plain(fixing.target), _TITLE // 2)
    rules = ", ".join(sorted({plain(each.fix.rule) for each in fixing.fixed}))
    return f"{_WHAT[fixing.purpose]} {target}\n\n{_counts(fixing)}: {rules}.\n"


def _counts(fixing: Fixing) -> str:
    objects = {each.fix.key for each in fixing.fixed}
    noun = "image" if fixing.purpose is Purpose.IMAGES else "setting"
    return f"{counted(len(fixing.fixed), noun)} in {counted(len(objects), 'object')}"


def fixing_body(fixing: Fixing) -> str:
    """Writes what a pull request says, as Markdown of at most 65,536 characters."""
    head, tail = _head(fixing), [*_left_lines(fixing.left), *_other_lines(fixing)]
    legend = _legend(fixing)
    room = LIMIT - size(head) - size(legend) - size(tail) - _LEFT_OUT
    rows: list[str] = []
    shown = 0
    for each in fixing.fixed:
        row = _row(fixing.purpose, each.fix)
        room -= size([row])
        if room < 0:
            break
        rows.append(row)
        shown += 1
    rows.append("")
    if shown < len(fixing.fixed):
        left = counted(len(fixing.fixed) - shown, "more edit")
        rows += [f"**{left}, left out here: the files of this pull request have all.**", ""]
    return "\n".join([*head, *rows, *legend, *tail])


def _head(fixing: Fixing) -> list[str]:
    at = code(short_revision(fixing.revision))
    files = counted(len(fixing.files), "file")
    lines = [
        f"**{_counts(fixing)}** of target {code(fixing.target)}, as Git has it at {at}, by edits",
        f"in {files}.",
        "",
        "- **Merge** this to declare what the table says. It was tried: nothing else that these",
        "  files declare comes out otherwise. The cluster changes when it is deployed.",
        "- **Close** this to keep what Git says.",
        "",
        "When this is brought up to date, its branch is made anew: commits of others on it go.",
        "",
    ]
    if fixing.purpose is Purpose.IMAGES:
        head = ["| object | container | from | to | rule | age |", "|---|---|---|---|---|---|"]
    else:
        head = ["| object | container | field | from | to | rule |", "|---|---|---|---|---|---|"]
    return [*lines, *head]


def _row(purpose: Purpose, fix: Fix) -> str:
    told = [_cell(str(fix.key)), _cell(fix.container)]
    if purpose is Purpose.IMAGES:
        told += [_cell(fix.before), _cell(inline(fix.value)), _cell(fix.rule), fix.age or "unknown"]
    else:
        field = _cell(_field(fix))
        told += [field, _cell(fix.before), _cell(inline(fix.value)), _cell(fix.rule)]
    return f"| {' | '.join(told)} |"


def _cell(text: str) -> str:
    """Writes a foreign text as a table's cell: a bar would end it, be it in code."""
    return code(text.replace("|", "\u00a6")) if text else ""


def _field(fix: Fix) -> str:
    """Names a field as it is called below its container or pod."""
    names = [each for each in fix.path if isinstance(each, str)]
    start = names.index("securityContext") if "securityContext" in names else len(names) - 1
    return ".".join(names[start:])


def _legend(fixing: Fixing) -> list[str]:
    """Says of each rule why; and once, what may go wrong with it, and where."""
    if fixing.purpose is Purpose.IMAGES:
        lines = [f"- {_place(each.fix)}: {code(each.fix.reason)}" for each in fixing.fixed[:_LEFT]]
        if len(fixing.fixed) > _LEFT:
            lines.append(f"- … and {counted(len(fixing.fixed) - _LEFT, 'more')}")
        return ["### Why", "", *lines, ""]
    rules: dict[str, Fix] = {}
    for each in fixing.fixed:
        rules.setdefault(each.fix.rule, each.fix)
    lines = [f"- {code(rule)}: {code(fix.reason)}" for rule, fix in sorted(rules.items())]
    return ["### Why", "", *lines, "", *_caution_lines(fixing)]


def _caution_lines(fixing: Fixing) -> list[str]:
    cautions: dict[tuple[str, str], list[Fix]] = {}
    for each in fixing.fixed:
        if each.fix.caution:
            cautions.setdefault((each.fix.rule, each.fix.caution), []).append(each.fix)
    if not cautions:
        return []
    lines = ["### Try before you merge", ""]
    for (rule, caution), fixes in sorted(cautions.items()):
        lines.append(f"- {code(rule)}: {code(caution)}. It concerns:")
        lines += [f"  - {_place(fix)}" for fix in fixes[:_LEFT]]
        if len(fixes) > _LEFT:
            lines.append(f"  - … and {counted(len(fixes) - _LEFT, 'more')}")
    return [*lines, ""]


def _place(fix: Fix | Unfixed) -> str:
    container = f" {code(fix.container)}" if fix.container else ""
    return f"{code(str(fix.key))}{container}"


def _left_lines(left: Sequence[Unfixed]) -> list[str]:
    if not left:
        return []
    lines = ["### Left as it is", ""]
    lines += [f"- {_place(each)} {code(each.rule)}: {code(each.reason)}" for each in left[:_LEFT]]
    if len(left) > _LEFT:
        lines.append(f"- … and {counted(len(left) - _LEFT, 'more')}")
    return [*lines, ""]


def _other_lines(fixing: Fixing) -> list[str]:
    if not fixing.others:
        return []
    told = ", ".join(f"{code(rule)} ({count:,})" for rule, count in fixing.others.items())
    return [f"{_OTHERS[fixing.purpose]}: {told}.", ""]


def fixing_diff(fixing: Fixing) -> str:
    """Writes what changes in the files, as `git diff` would; empty where nothing does."""
    return files_diff(fixing.before, fixing.files, fixing.secrets)


def fixing_text(fixing: Fixing, style: Style) -> str:
    """Writes what is fixed and what isn't, for a terminal; the files' differences first."""
    lines = list(diff_lines(fixing_diff(fixing)))
    place = f"{fixing.target} @ {short_revision(fixing.revision)}"
    title = f"Fixes {_counts(fixing)}" if fixing.fixed else "Nothing to fix"
    lines += [()] if lines else []
    lines += flow([Cell((Span(title, Ink.BOLD), Span(f" in {place}")))], style, hanging=2)
    for each in fixing.fixed:
        lines += flow([Cell(tuple(_fixed_spans(each)))], style, indent=2, hanging=4)
        if each.fix.caution:
            spans = (Span("! ", Ink.YELLOW), Span(each.fix.caution))
            lines += flow([Cell(spans)], style, indent=4, hanging=6)
    if fixing.left:
        lines += [(), *flow([Cell((Span("Left as it is", Ink.BOLD),))], style)]
    for left in fixing.left:
        where = f" {left.container}" if left.container else ""
        spans = (Span("- "), Span(str(left.key), Ink.BOLD))
        told = Span(f"{where} {left.rule}: {left.reason}")
        lines += flow([Cell((*spans, told))], style, indent=2, hanging=4)
    if fixing.others:
        told = Span(", ".join(f"{rule} ({count:,})" for rule, count in fixing.others.items()))
        lines += [(), *flow([Cell((Span(f"{_OTHERS[fixing.purpose]}: "), told))], style, hanging=2)]
    return painted(lines, style)


def _fixed_spans(fixed: Fixed) -> Iterator[Span]:
    fix = fixed.fix
    container = f" {fix.container}" if fix.container else ""
    yield Span("✓ ", Ink.GREEN)
    yield Span(f"{fix.key}{container}", Ink.BOLD)
    yield Span(f"  {_field(fix)}: {fix.before} → {inline(fix.value)} ({fix.rule})")


def fixing_document(fixing: Fixing, url: str = "") -> JsonObject:
    """Gives fixes as data; the files' differences are masked as the text's are."""
    document: JsonObject = json_value(
        {
            "schema": SCHEMA,
            "purpose": fixing.purpose.value,
            "target": fixing.target,
            "revision": fixing.revision,
            "fixed": [
                {
                    "resource": key_document(each.fix.key),
                    "container": encodable(each.fix.container) or None,
                    "path": format_path(each.fix.path),
                    "from": encodable(each.fix.before),
                    "to": each.fix.value,
                    "rule": each.fix.rule,
                    "reason": encodable(each.fix.reason),
                    "age": each.fix.age or None,
                    "caution": each.fix.caution or None,
                    "files": list(each.files),
                }
                for each in fixing.fixed
            ],
            "left": [
                {
                    "resource": key_document(each.key),
                    "container": encodable(each.container) or None,
                    "rule": each.rule,
                    "reason": encodable(each.reason),
                }
                for each in fixing.left
            ],
            "others": dict(fixing.others),
            "diff": fixing_diff(fixing),
            "pullRequest": url or None,
        }
    )
    return document
