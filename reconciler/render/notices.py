"""A notice as a title, as plain text, and as Markdown: short, for people who are woken by it.

All times are absolute: a message is read later than it was written, and the same notice always
reads the same. Whatever came from a cluster or a person is harmless here: as in `terminal`, as in
`markdown`. What a service makes of `@here` or an address in plain text is for its adapter.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, assert_never

from reconciler.core.drift import Change, ChangeType, DriftType, MaskedDigest
from reconciler.core.history import DIGESTS, GLASS, WHOLE, Event
from reconciler.core.notices import Episode, Notice, Standing
from reconciler.render.ages import minute, moment
from reconciler.render.changes import SIGNS, changed_lines, digest_words
from reconciler.render.in_pods import STATES
from reconciler.render.markdown import code, fenced
from reconciler.render.summaries import counted, short_revision
from reconciler.render.terminal import Style, safe, truncated
from reconciler.render.values import block, inline, is_many_lines, is_tree

#: How long a title and a text may be, in characters, where nothing else is asked for.
TITLE: Final = 120
TEXT: Final = 4_000

#: How many fields of an object and how many objects are shown: the first of these that fits.
_ROOM: Final = ((12, 10), (6, 10), (3, 10), (3, 5), (1, 5), (0, 10), (0, 3), (0, 1))

#: How wide values may be to stand on the line of their path, how wide a line may be, how many
#: lines a value may take, and how much of a reason or a name is shown.
_SHORT: Final = 60
_LINE: Final = 160
_LINES: Final = 6
_WORDS: Final = 240

_STYLE: Final = Style(colour=False, width=0)

#: What a drift's object is, by its type.
TYPES: Final = {
    DriftType.MISSING: "is missing",
    DriftType.MODIFIED: "differs from Git",
    DriftType.UNMANAGED: "isn't in Git",
    DriftType.PENDING: "isn't rolled out",
    DriftType.UNREADABLE: "can't be read",
    **STATES,
}
_TITLES: Final = {
    Standing.FOUND: "",
    Standing.WAITS: "",
    Standing.ASKED: "waits for a yes",
    Standing.REFUSED: "refused",
    Standing.APPROVED: "approved",
    Standing.FAILED: "restore failed",
    Standing.RESTORED: "restored",
    Standing.GONE: "over",
}
_STATES: Final = {
    Standing.FOUND: "Found",
    Standing.WAITS: "Waits",
    Standing.ASKED: "Waits for a yes",
    Standing.REFUSED: "Refused",
    Standing.APPROVED: "Approved, not yet carried out",
    Standing.FAILED: "The restore failed, the drift is still there",
    Standing.RESTORED: "Restored",
    Standing.GONE: "Over",
}
#: What a decision means for a drift of which nothing else is known.
_ACTIONS: Final = {
    "observe": "Only reported",
    "propose": "To be proposed in a pull request",
    "restore": "To be restored",
}
#: The most pressing first.
_PRESSING: Final = (
    Standing.ASKED,
    Standing.FAILED,
    Standing.REFUSED,
    Standing.APPROVED,
    Standing.FOUND,
    Standing.WAITS,
    Standing.GONE,
    Standing.RESTORED,
)


def pressing(notice: Notice) -> Standing:
    """Gives how that one of a notice's episodes stands which asks most of a person."""
    return min((episode.standing for episode in notice.episodes), key=_PRESSING.index)


def notice_title(notice: Notice, limit: int = TITLE) -> str:
    """Says in one harmless line what happened, how bad it is and whether somebody must act.

    Args:
        notice: What to tell of.
        limit: Characters that it may have at most.
    """
    state = _TITLES[pressing(notice)]
    first, *others = notice.episodes
    is_glass = first.drift.startswith(GLASS)
    what = f"{first.key} {'is under break-glass' if is_glass else TYPES[first.type]}"
    if others and {each.key for each in others} == {first.key}:
        what = f"{first.key} drifted in {len(notice.episodes):,} ways"
    elif others:
        what = f"{counted(len(notice.episodes), 'object')} of {notice.target} drifted"
    begin = "Reminder: " if notice.reminder and not notice.is_over else ""
    # The end is what tells whether to get up, so it is the object's name that is cut.
    end = f" ({notice.severity})" + (f": {state}" if state else "")
    room = max(limit - len(begin) - len(end), 0)
    return truncated(begin + truncated(safe(what), max(room, 1)) + end, limit)


def notice_text(notice: Notice, limit: int = TEXT) -> str:
    """Writes a notice as plain text.

    Args:
        notice: What to write.
        limit: Characters that it may have at most; at least those of a title are best.
    """
    return _fitting(notice, limit, _text_lines, "\n")


def notice_markdown(notice: Notice, limit: int = TEXT) -> str:
    """Writes a notice as Markdown in which nothing foreign is markup, a link or a mention.

    Args:
        notice: What to write.
        limit: Characters that it may have at most; at least those of a title are best.
    """
    return _fitting(notice, limit, _markdown_lines, "\n\n")


_Writer = Callable[[Episode, int], list[str]]


def _fitting(notice: Notice, limit: int, write: _Writer, gap: str) -> str:
    for fields, objects in _ROOM:
        shown = notice.episodes[:objects]
        blocks = ["\n".join(write(episode, fields)) for episode in shown]
        if len(shown) < len(notice.episodes):
            blocks.append(f"… and {counted(len(notice.episodes) - len(shown), 'more object')}.")
        text = "\n\n".join([*blocks, *_answers(notice, gap)])
        if len(text) <= limit:
            return text
    return truncated(_TITLES[pressing(notice)] or "drift", max(limit, 1))


def _answers(notice: Notice, gap: str) -> list[str]:
    """Says how a person answers, where one is asked."""
    plans = list(dict.fromkeys(each.plan for each in notice.episodes if each.plan))
    if not plans:
        return []
    if len(plans) > 1:
        return [f"{counted(len(plans), 'plan')} wait for a yes: plumbline approve shows them."]
    plan = _cut(plans[0])
    lines = (
        f"To restore: plumbline approve {plan}",
        f"To leave it: plumbline reject {plan}",
        "If it has changed since, plumbline approve shows what waits now.",
    )
    return [gap.join(lines)]


def _text_lines(episode: Episode, fields: int) -> list[str]:
    lines = [
        f"{_cut(str(episode.key))} {TYPES[episode.type]} ({episode.severity})",
        f"Target {_cut(episode.target)}, {_revision(episode)}since {_since(episode)}",
    ]
    if episode.actor:
        lines.append(f"By {_cut(episode.actor)}")
    if episode.note:
        lines.append(f"Note: {_cut(episode.note)}")
    lines += [f"  {line}" for line in _field_lines(episode, fields)]
    state = state_words(episode)
    return [*lines, f"{state}: {_cut(episode.reason)}" if episode.reason else state]


def _markdown_lines(episode: Episode, fields: int) -> list[str]:
    about = [f"Target {_code(episode.target)}, {_revision(episode, _code)}since {_since(episode)}"]
    if episode.actor:
        about.append(f"by {_code(episode.actor)}")
    lines = [
        f"{_code(str(episode.key))} **{TYPES[episode.type]}** ({episode.severity})",
        "",
        ", ".join(about),
    ]
    if episode.note:
        lines += ["", f"Note: {_code(episode.note)}"]
    differing = list(_field_lines(episode, fields))
    lines += ["", *(fenced(differing) if differing else ()), ""]
    state = f"**{state_words(episode)}**"
    return [*lines, f"{state}: {_code(episode.reason)}" if episode.reason else state]


def _code(text: str) -> str:
    return code(_cut(text))


def _cut(text: str) -> str:
    return truncated(safe(text), _WORDS)


def _revision(episode: Episode, write: Callable[[str], str] = _cut) -> str:
    return f"Git at {write(short_revision(episode.revision))}, " if episode.revision else ""


def _since(episode: Episode) -> str:
    then = moment(episode.first_seen)
    return minute(then) if then else _cut(episode.first_seen)


def state_words(episode: Episode) -> str:
    """Says how a drift stands."""
    if episode.standing is Standing.FOUND:
        return _ACTIONS.get(episode.action, _STATES[Standing.FOUND])
    return _STATES[episode.standing]


def changes_of(told: Episode | Event) -> tuple[tuple[str, Change], ...]:
    """Gives the fields in which an object differs: each path as people write it, and the change.

    The changes' own paths are empty: they are known only as people write them.
    """
    before, after = told.before or {}, told.after or {}
    wanted, live = before.get(DIGESTS) or {}, after.get(DIGESTS) or {}
    found = []
    for path in before | after:
        if path == DIGESTS:
            continue
        masked = None
        if path in wanted or path in live:
            masked = MaskedDigest(str(wanted.get(path, "")), str(live.get(path, "")))
        was, now_is = before.get(path), after.get(path)
        found.append((path, Change((), _type(was, now_is), was, now_is, masked=masked)))
    return tuple(found)


def _type(was: Any, now_is: Any) -> ChangeType:
    if was is None:
        return ChangeType.ADDED
    return ChangeType.REMOVED if now_is is None else ChangeType.CHANGED


def _field_lines(episode: Episode, most: int) -> Iterator[str]:
    """Writes an object's fields as lines of a diff, at most so many fields."""
    changes = changes_of(episode)
    for path, change in changes[:most]:
        yield from _change_lines(path, change)
    left = len(changes) - most
    if left > 0:
        yield f"… and {counted(left, 'more field')}" if most else counted(left, "field")


def field_line(path: str, change: Change) -> str:
    """Writes a field on one harmless line: how it differs, where that is short, else only where."""
    values = short_values(change)
    name = truncated(safe(path), _LINE) if path != WHOLE else "the whole object"
    digests = digest_words(change.masked)
    line = f"{SIGNS[change.change][0]} {name}" + (f": {values}" if values else "")
    return f"{line} {digests}" if digests else line


def _change_lines(path: str, change: Change) -> Iterator[str]:
    yield field_line(path, change)
    if short_values(change):
        return
    lines = value_lines(change)
    for line in lines[:_LINES]:
        yield truncated(line, _LINE)
    if len(lines) > _LINES:
        yield f"… ({counted(len(lines) - _LINES, 'more line')})"


def value_lines(change: Change) -> list[str]:
    """Writes a field's values as lines of a diff, for below its path."""
    match change.change:
        case ChangeType.ADDED:
            return [f"+ {line}" for line in block(change.live)]
        case ChangeType.REMOVED:
            return [f"- {line}" for line in block(change.desired)]
        case ChangeType.CHANGED:
            return changed_lines(change, _STYLE)
        case _:
            assert_never(change.change)


def short_values(change: Change) -> str:
    """Writes what both sides have on one line; empty where that is too long."""
    sides = {
        ChangeType.ADDED: (change.live,),
        ChangeType.REMOVED: (change.desired,),
        ChangeType.CHANGED: (change.desired, change.live),
    }[change.change]
    return " → ".join(map(inline, sides)) if all(map(_is_short, sides)) else ""


def _is_short(value: Any) -> bool:
    if is_tree(value) or is_many_lines(value):
        return False
    return not isinstance(value, str) or len(value) <= _SHORT
