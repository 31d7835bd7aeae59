"""A report as Markdown for a pull request's comment.

Whatever came from a cluster or from Git stands in code spans, code fences or escaped HTML inside
of `<code>`, where GitHub reads neither markup nor HTML, and links no names, issues or addresses.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import assert_never

from reconciler.core.drift import Change, ChangeType, Drift, DriftType
from reconciler.core.path import format_path
from reconciler.core.report import Report
from reconciler.render.ages import minute, moment
from reconciler.render.changes import changed_lines, digest_words
from reconciler.render.credits import actor_and_when, credit, maker
from reconciler.render.in_pods import Pod, by_object
from reconciler.render.summaries import (
    counted,
    in_sync_words,
    request_words,
    severity_words,
    short_revision,
)
from reconciler.render.terminal import Style, safe
from reconciler.render.text import comparison_words
from reconciler.render.values import block, inline, is_many_lines, is_tree, text_lines

#: GitHub refuses a longer comment ("body is too long (maximum is 65536 characters)").
LIMIT = 65_536

#: How many lines of one change are shown, how many characters of a line, and how many characters
#: of one object: a comment is for reading, and other objects want room too.
_LINES = 40
_CHARACTERS = 400
_OBJECT = 16_384

#: Room for the sentence that says how many objects are left out.
LEFT_OUT = 100

#: How many notes and unproven fields are named.
_NOTES = 10

_STYLE = Style(colour=False, width=0)


def report_markdown(report: Report, now: datetime) -> str:
    """Writes a report as Markdown of at most 65,536 characters.

    Args:
        report: What to write; secrets in it are masked already.
        now: The time of writing, with its zone; ages count from it.
    """
    head, tail = [*_title(report), ""], _tail(report, now)
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    pieces = [piece for each in by_object(report.drifts) for piece in _pieces(*each)]
    objects, shown = fitting((_piece(each, now) for each in pieces), room)
    if shown < len(pieces):
        left = counted(len(pieces) - shown, "object")
        objects += [f"**{left} more, left out: a comment can't be longer.**", ""]
    return "\n".join([*head, *objects, *tail]) + "\n"


def code(text: str) -> str:
    """Writes foreign text as a code span, cut where it is long."""
    shown = _shortened(safe(text))
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[:1] in ("", "`", " ") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _html_code(text: str) -> str:
    """Writes foreign text as code inside of a block of HTML."""
    return f"<code>{html.escape(_shortened(safe(text)))}</code>"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def size(lines: Sequence[str]) -> int:
    """Counts characters as GitHub does at most: UTF-16 units, and a newline for each line."""
    return sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)


def fitting(pieces: Iterable[Sequence[str]], room: int) -> tuple[list[str], int]:
    """Puts pieces together, in order, until one has no room; those after it aren't made.

    Args:
        pieces: Lines that are shown together or not at all.
        room: As `size` counts.

    Returns:
        The lines, and how many pieces they are.
    """
    lines: list[str] = []
    shown = 0
    for piece in pieces:
        room -= size(piece)
        if room < 0:
            break
        lines += piece
        shown += 1
    return lines, shown


def _title(report: Report) -> list[str]:
    summary = report.summary
    place = f"{code(report.target)} @ {code(short_revision(report.revision))}"
    if not report.drifts:
        return [f"### ✅ {place}: {in_sync_words(report)}"]
    pods = counted(summary.pods, "pod")
    verdict = "not all could be read"
    if summary.drifted or summary.pods:
        drifted = f"{summary.drifted:,} drifted" if summary.drifted else ""
        verdict = " and ".join(filter(None, (drifted, f"{pods} drifted" if summary.pods else "")))
    counts = [counted(summary.resources, "object"), f"{summary.in_sync:,} in sync"]
    if summary.drifted:
        counts.append(f"**{summary.drifted:,} drifted** ({severity_words(report)})")
    if summary.pods:
        counts.append(f"**{pods} drifted**")
    if summary.unreadable:
        counts.append(f"**{summary.unreadable:,} unreadable**")
    mark = "❌" if summary.drifted or summary.pods else "❔"
    return [f"### {mark} {place}: {verdict}", "", ", ".join(counts)]


def _pieces(drift: Drift | None, pods: Sequence[Pod]) -> Iterator[Drift | Pod]:
    yield from (drift,) if drift is not None else ()
    yield from pods


def _piece(each: Drift | Pod, now: datetime) -> list[str]:
    return _object(each, now) if isinstance(each, Drift) else _pod(each, now)


def _pod(pod: Pod, now: datetime) -> list[str]:
    """Writes a pod under the object whose pod it is."""
    # Late: a comment that tells of no pods needs none of it.
    from reconciler.render.pod_words import pod_block, pod_title

    place = f" — {_html_code(str(pod[0].source))}" if pod[0].source else ""
    lines = ["<details>", f"<summary>{_html_code(pod_title(pod))}{place}</summary>", ""]
    body, shown = fitting(
        ([_shortened(line)] for line in pod_block(pod, now)), _OBJECT - size(lines)
    )
    left = len(pod_block(pod, now)) - shown
    body += [f"… ({left} more lines)"] if left else []
    return [*lines, *fenced(body), "", "</details>", ""]


def _object(drift: Drift, now: datetime) -> list[str]:
    state = f"{drift.type.lower()}, {drift.severity}"
    place = f" — {_html_code(str(drift.source))}" if drift.source else ""
    lines = [
        "<details>",
        f"<summary>{_html_code(str(drift.key))} — {state}{place}</summary>",
        "",
        *_about(drift, now),
    ]
    body, shown = fitting((_change(change, now) for change in drift.changes), _OBJECT - size(lines))
    if body:
        lines += [*fenced(body), ""]
    if shown < len(drift.changes):
        lines += [f"{counted(len(drift.changes) - shown, 'change')} more, left out.", ""]
    if drift.hidden:
        lines += [f"{len(drift.hidden):,} more explained by rules.", ""]
    return [*lines, "</details>", ""]


def _about(drift: Drift, now: datetime) -> list[str]:
    lines: list[str] = []
    match drift.type:
        case DriftType.MISSING:
            deleted = (
                f"; deleted by {code(actor_and_when(drift.actor, now))}" if drift.actor else ""
            )
            lines.append(f"Declared but not live{deleted}.")
        case DriftType.UNMANAGED:
            made = f"; made by {code(known)}" if (known := maker(drift, now)) else ""
            lines.append(f"Live but not declared{made}.")
        case DriftType.PENDING:
            lines.append("Live is what an earlier revision declared, and Git has moved on.")
        case DriftType.UNREADABLE:
            lines.append("It could not be read, so whether it drifted is unknown.")
        case (
            DriftType.MODIFIED
            | DriftType.POD_SPEC
            | DriftType.FILE
            | DriftType.PROCESS
            | DriftType.SESSION
            | DriftType.PORT
            | DriftType.IMAGE
        ):
            pass  # its changes tell
        case _:
            assert_never(drift.type)
    if drift.note:
        lines.append(code(drift.note))
    first_seen = moment(drift.first_seen)
    if first_seen is not None:
        lines.append(f"First seen {minute(first_seen)}.")
    return [part for line in lines for part in (line, "")]


def fenced(lines: Sequence[str]) -> list[str]:
    """Writes harmless lines, at least one, as a block that is shown as a diff."""
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in lines))
    return [f"{fence}diff", *lines, fence]


def _change(change: Change, now: datetime) -> list[str]:
    """Writes a change as lines of a diff, each with its sign; `#` says where and who."""
    where = safe(format_path(change.path))
    digests = digest_words(change.masked)
    lines = [f"# {_shortened(where)}: {_shortened(safe(credit(change, now)))}"]
    match change.change:
        case ChangeType.ADDED:
            body = [f"+ {line}" for line in _lines(change.live)]
        case ChangeType.REMOVED:
            body = [f"- {line}" for line in _lines(change.desired)]
        case ChangeType.CHANGED:
            body = [_spaced(line) for line in changed_lines(change, _STYLE)]
        case _:
            assert_never(change.change)
    if digests:
        body = [*body, f"# {digests}"]
    if len(body) > _LINES + 1:
        body = [*body[:_LINES], f"# … ({len(body) - _LINES} more lines)"]
    return lines + [_shortened(line) for line in body]


def _lines(value: object) -> list[str]:
    if is_many_lines(value):
        return text_lines(str(value))
    return block(value) if is_tree(value) else [inline(value)]


def _spaced(line: str) -> str:
    return f"{line[0]} {line[1:]}" if line[0] in "+- " else f"# {line}"


def _shortened(line: str) -> str:
    more = len(line) - _CHARACTERS
    return line if more <= 0 else f"{line[:_CHARACTERS]}… ({more} more characters)"


def _tail(report: Report, now: datetime) -> list[str]:
    lines: list[str] = []
    if report.unproven:
        lines += [f"{counted(len(report.unproven), 'field')} could not be proven:", ""]
        for each in report.unproven[:_NOTES]:
            place = f"{each.key} {each.path}".rstrip()
            lines.append(f"- {code(place)}: {code(each.reason)}")
        lines += ["", *_more(len(report.unproven))]
    lines += [f"> {code(note)}" for note in report.notes[:_NOTES]]
    if report.notes:
        lines += ["", *_more(len(report.notes))]
    facts = [comparison_words(report.comparison), request_words(report.requests)]
    if report.summary.hidden:
        facts.append(f"{counted(report.summary.hidden, 'difference')} explained by rules")
    return [*lines, f"<sub>{' · '.join(facts)} · ages as of {minute(now)}</sub>"]


def _more(count: int) -> list[str]:
    return [f"… and {count - _NOTES} more", ""] if count > _NOTES else []
