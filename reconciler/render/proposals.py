"""A drift as a pull request: its title, what it says, and the file that it adds.

The file is the record of the drift. Its merge approves the restore of exactly the plan that it
names; its closing without a merge says no. The same drift always makes the same texts, so that a
pull request is updated only when there is news.
"""

import re
from collections.abc import Sequence
from typing import Final

from reconciler.core.drift import Change, Severity
from reconciler.core.notices import Episode, Notice
from reconciler.core.resource import JsonObject
from reconciler.render.ages import minute, moment
from reconciler.render.json_values import json_value, key_document
from reconciler.render.markdown import LEFT_OUT, LIMIT, code, fenced, fitting, size
from reconciler.render.notice_documents import change_document
from reconciler.render.notices import TYPES, changes_of, field_line, short_values, value_lines
from reconciler.render.serialized import json_text
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import truncated

#: Where records are, from the repository's top. A hidden folder: no renderer reads it.
RECORDS: Final = ".plumbline/reverts"

SCHEMA: Final = "plumbline.dev/revert/v1"

#: GitHub takes titles of up to 256 characters, GitLab and Gitea of up to 255; this is for reading.
TITLE: Final = 120

#: How many characters of a line, how many lines of one value, and how much of one object, in which
#: there is always room for one field.
_LINE: Final = 400
_LINES: Final = 40
OBJECT: Final = 24_576

#: Titles and commit messages have no code spans. What might be a mention (`@`), a reference (`#`,
#: `!`, `&`, `%`, `~`, `$`), markup or an address in them is left out of names.
_NOT_PLAIN: Final = re.compile(r"[^\w ./:()…-]|://")
_NOT_IN_FILE: Final = re.compile(r"[^A-Za-z0-9._-]|^\.")


def record_path(target: str) -> str:
    """Gives the path of a target's record, from the repository's top."""
    return f"{RECORDS}/{_NOT_IN_FILE.sub(_escape, target)}.json"


def _escape(match: "re.Match[str]") -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def record_text(notice: Notice, plan: str) -> str:
    """Writes the record of a drift as JSON, with a newline at the end.

    Args:
        notice: What drifted; secrets in it are masked already.
        plan: The plan that a merge approves, by its digest.
    """
    document: JsonObject = json_value(
        {
            "schema": SCHEMA,
            "meaning": "Merging this approves the restore of exactly this plan; closing it says no",
            "target": notice.target,
            "plan": plan,
            "drifts": [_drift(episode) for episode in _ordered(notice)],
        }
    )
    return json_text(document)


def proposal_title(notice: Notice) -> str:
    """Says in one line what is to be restored."""
    return truncated(f"Restore {plain(notice.target)}: {_what(notice)}", TITLE)


def proposal_message(notice: Notice, plan: str) -> str:
    """Writes the message of the commit that adds the record."""
    target = plain(notice.target)
    return (
        f"Record the drift of {truncated(target, TITLE // 2)}\n\n"
        f"{truncated(_what(notice), TITLE)}.\n"
        f"Merging this approves the restore of exactly plan {plain(plan)}.\n"
    )


def proposal_body(notice: Notice, plan: str) -> str:
    """Writes what a pull request says, as Markdown of at most 65,536 characters.

    Args:
        notice: What drifted; secrets in it are masked already.
        plan: The plan that a merge approves, by its digest.
    """
    head = _head(notice, plan)
    episodes = _ordered(notice)
    room = LIMIT - size(head) - LEFT_OUT
    objects, shown = fitting(map(_object, episodes), room)
    if shown < len(episodes):
        left = counted(len(episodes) - shown, "more object")
        objects += [f"**{left}, left out here: the record in this pull request has all.**", ""]
    return "\n".join([*head, *objects])


def _ordered(notice: Notice) -> list[Episode]:
    """Gives the episodes in an order that doesn't depend on how they were found."""
    rank = list(Severity).index
    return sorted(
        notice.episodes, key=lambda each: (rank(each.severity), str(each.key), each.drift)
    )


def _what(notice: Notice) -> str:
    first, *others = notice.episodes
    if others:
        return f"{counted(len(notice.episodes), 'object')} drifted"
    return f"{plain(str(first.key))} {TYPES[first.type]}"


def plain(text: str) -> str:
    """Gives a foreign text as a title can have it: nothing in it is a mention or markup."""
    return _NOT_PLAIN.sub("_", text)


def _head(notice: Notice, plan: str) -> list[str]:
    ranks = ((each, sum(e.severity is each for e in notice.episodes)) for each in Severity)
    severities = ", ".join(f"{count:,} {each}" for each, count in ranks if count)
    drifted = f"**{counted(len(notice.episodes), 'object')} drifted** ({severities})"
    revision = next((each.revision for each in notice.episodes if each.revision), "")
    at = f" as of Git at {code(short_revision(revision))}" if revision else ""
    return [
        f"{drifted} in the cluster of target {code(notice.target)}{at}.",
        "",
        f"- **Merge** this to restore them: it approves exactly the plan {code(plan)}. If the",
        "  cluster or Git moves before that is carried out, nothing is written, and you are asked",
        "  anew.",
        "- **Close** this to leave the cluster as it is.",
        "",
        f"No manifest changes. The one file here, {code(record_path(notice.target))}, is the",
        "record of the drift. This pull request follows the drift, and closes once it is gone.",
        "",
    ]


def _object(episode: Episode) -> list[str]:
    then = moment(episode.first_seen)
    about = [f"Since {minute(then) if then else code(episode.first_seen)}"]
    if episode.actor:
        about.append(f"by {code(episode.actor)}")
    lines = [
        f"### {code(str(episode.key))} {TYPES[episode.type]} ({episode.severity})",
        "",
        f"{', '.join(about)}.",
        "",
    ]
    if episode.note:
        lines += [f"Note: {code(episode.note)}", ""]
    return [*lines, *fields_block(changes_of(episode), OBJECT - size(lines))]


def fields_block(changes: Sequence[tuple[str, Change]], room: int) -> list[str]:
    """Writes an object's fields as a block of a difference, and says how many had no room.

    Args:
        changes: Each with its path.
        room: As `size` counts.
    """
    body, shown = fitting((_change_block(path, change) for path, change in changes), room)
    lines = [*fenced(body), ""] if body else []
    if shown < len(changes):
        lines += [f"{counted(len(changes) - shown, 'more field')}, left out here.", ""]
    return lines


def _change_block(path: str, change: Change) -> list[str]:
    """Writes a field: on one line where its values are short, else with their lines below."""
    line = field_line(path, change)
    if short_values(change):
        return [truncated(line, _LINE)]
    below = value_lines(change)
    if len(below) > _LINES + 1:
        below = [*below[:_LINES], f"… ({counted(len(below) - _LINES, 'more line')})"]
    # `#` as first sign: where a diff is coloured, this line is none of it.
    return [truncated(each, _LINE) for each in (f"# {line[2:]}", *below)]


def _drift(episode: Episode) -> JsonObject:
    return {
        "id": episode.drift,
        "type": episode.type.value,
        "severity": episode.severity.value,
        "firstSeen": episode.first_seen,
        "resource": key_document(episode.key),
        "by": episode.actor or None,
        "note": episode.note or None,
        "revision": episode.revision or None,
        "changes": [change_document(path, change) for path, change in changes_of(episode)],
    }
