"""A notice as a Slack message.

A reader on call must see at a glance what it is, who did it, since when, what happens next, and
which button does what. All foreign text stands in pieces of `slack_text`.
"""

from dataclasses import dataclass
from typing import Final

from reconciler.core.drift import Severity
from reconciler.core.notices import Episode, Notice, Standing
from reconciler.core.resource import JsonObject
from reconciler.render.notices import TYPES, notice_title
from reconciler.render.slack_choices import (
    controls_of_many,
    controls_of_object,
    controls_of_one,
)
from reconciler.render.slack_fields import field_lines, short_lines
from reconciler.render.slack_text import (
    NAME,
    SENTENCE,
    cut,
    escaped,
    header,
    line_break,
    link,
    preformatted,
    rich,
    section,
    struck,
    when,
    words,
)
from reconciler.render.summaries import counted, short_revision

#: How many characters of fields are shown of one object, of and of one among many.
#: Slack takes no message whose blocks come to much more than 13,000 characters.
_FIELDS: Final = 2800
_FIELDS_OF_MANY: Final = 500

#: How many objects are shown, where a notice has many.
_OBJECTS: Final = 8

#: A file of more is of no use to anybody, and slow to make.
_FILE: Final = 1_000_000

_MARKS: Final = {Severity.HIGH: "🔴", Severity.MEDIUM: "🟠", Severity.LOW: "🟡"}
_OVER: Final = "✅"
_ENDS: Final = {Standing.RESTORED: "is restored", Standing.GONE: "has no drift any more"}

#: What happens next, by how it stands.
_NEXT: Final = {
    Standing.FOUND: "Nothing happens by itself",
    Standing.WAITS: "Waits, then goes on by itself",
    Standing.ASKED: "Waits for a person: Restore makes it what Git says, Adopt makes Git say this",
    Standing.REFUSED: "A person said no, so it stays as it is",
    Standing.APPROVED: "A person said yes, and it is being restored",
    Standing.FAILED: "The restore failed, and the drift is still there",
    Standing.RESTORED: "Done",
    Standing.GONE: "Over",
}
_ACTIONS: Final = {
    "propose": "A pull request proposes to put it right",
    "restore": "It is put right by itself",
}


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message, or a reply.

    Attributes:
        text: What notifications and screen readers have; its `&`, `<`, `>` are escaped.
        blocks: What is seen.
        whole: All of what was cut; empty where nothing was.
    """

    text: str
    blocks: tuple[JsonObject, ...]
    whole: str = ""


def message_of(notice: Notice, address: str = "") -> SlackMessage:
    """Writes a notice.

    Args:
        notice: What to write.
        address: Where all of it can be read; empty where it goes into a file in the thread.
    """
    text = escaped(notice_title(notice))
    one = len(notice.episodes) == 1
    blocks, is_cut = _of_one(notice.episodes[0]) if one else _of_many(notice)
    if is_cut:
        where = link(address, "All of it") if address else words("All of it is in the thread.")
        blocks.append(rich(section(words("Cut to what Slack takes. "), where)))
    controls = controls_of_one(notice.episodes[0]) if one else controls_of_many(notice)
    whole = _whole(notice) if is_cut and not address else ""
    return SlackMessage(text, (*blocks, *controls), whole)


def _of_one(episode: Episode) -> tuple[list[JsonObject], bool]:
    paragraphs = [section(*_facts(episode))]
    if episode.note:
        paragraphs.append(section(line_break(), words(episode.note, limit=SENTENCE)))
    lines, is_cut = short_lines(episode, _FIELDS)
    if lines:
        caption = "What differed:" if episode.is_over else "What differs (- in Git, + live):"
        paragraphs.append(section(line_break(), words(caption)))
        paragraphs.append(struck(lines) if episode.is_over else preformatted(lines))
    state = [words(_next(episode), "bold"), words(_because(episode), limit=SENTENCE)]
    title = f"{_mark(episode)} {episode.key}"
    return [header(title, f" {_what(episode)}"), rich(*paragraphs), rich(section(*state))], is_cut


def _of_many(notice: Notice) -> tuple[list[JsonObject], bool]:
    count, open_ones = len(notice.episodes), [e for e in notice.episodes if not e.is_over]
    objects = counted(count, "object")
    if open_ones:
        left = f" {len(open_ones):,} of" if len(open_ones) < count else ""
        heading = header(
            f"{_MARKS[notice.severity]}{left} {objects} of {notice.target}", " drifted"
        )
    else:
        heading = header(f"{_OVER} {objects} of {notice.target}", " have no drift any more")
    blocks: list[JsonObject] = [heading]
    is_cut = count > _OBJECTS
    for episode in notice.episodes[:_OBJECTS]:
        made, was_cut = _among_many(episode)
        blocks += made
        is_cut = is_cut or was_cut
    if count > _OBJECTS:
        left_out = f"… and {counted(count - _OBJECTS, 'more object')}, none of them worse."
        blocks.append(rich(section(words(left_out, "italic"))))
    return blocks, is_cut


def _among_many(episode: Episode) -> tuple[list[JsonObject], bool]:
    styles = ("strike",) if episode.is_over else ("bold",)
    title = [
        words(f"{_mark(episode)} "),
        words(str(episode.key), *styles, limit=NAME),
        words(f" {_what(episode)}. "),
    ]
    state = [words(_next(episode), "bold"), words(_because(episode), limit=NAME)]
    lines, is_cut = short_lines(episode, _FIELDS_OF_MANY)
    paragraphs = [section(*title, *_facts(episode), line_break(), *state)]
    if lines and not episode.is_over:
        paragraphs.append(preformatted(lines))
    return [rich(*paragraphs), *controls_of_object(episode)], is_cut


def _facts(episode: Episode) -> list[list[JsonObject]]:
    """Says how bad it is, who did it, since when, and by which names to find it."""
    facts = [words(f"{episode.severity.capitalize()}, by ")]
    facts.append(
        words(episode.actor, "bold", limit=NAME) if episode.actor else words("nobody known")
    )
    facts += [words(", since "), when(episode.first_seen), line_break(), words("Target ")]
    facts.append(words(episode.target, "code", limit=NAME))
    if episode.revision:
        facts += [words(", Git at "), words(short_revision(episode.revision), "code", limit=NAME)]
    facts += [words(", "), words(episode.drift, "code", limit=NAME)]
    if episode.plan:
        facts += [words(", plan "), words(episode.plan, "code", limit=NAME)]
    return facts


def _mark(episode: Episode) -> str:
    return _OVER if episode.is_over else _MARKS[episode.severity]


def _what(episode: Episode) -> str:
    return _ENDS.get(episode.standing) or TYPES[episode.type]


def _next(episode: Episode) -> str:
    if episode.standing is Standing.FOUND:
        return _ACTIONS.get(episode.action, _NEXT[Standing.FOUND])
    return _NEXT[episode.standing]


def _because(episode: Episode) -> str:
    return f": {episode.reason}" if episode.reason else ""


def _whole(notice: Notice) -> str:
    """Writes all fields of all objects."""
    lines: list[str] = []
    for episode in notice.episodes:
        lines += [
            f"{cut(str(episode.key), NAME)} {_what(episode)} ({episode.severity})",
            f"target {cut(episode.target, NAME)}, since {cut(episode.first_seen, NAME)}",
            f"by {cut(episode.actor, NAME) or 'nobody known'}",
            *(f"  {line}" for line in field_lines(episode)),
            "",
        ]
    text = "\n".join(lines)
    return text if len(text) <= _FILE else f"{text[:_FILE]}\n… cut\n"
