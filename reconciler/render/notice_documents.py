"""A notice as a JSON object, for programs that are told of drifts."""

from typing import Final

from reconciler.core.drift import Change
from reconciler.core.notices import Episode, Notice
from reconciler.core.resource import JsonObject
from reconciler.render.json_values import json_value, key_document
from reconciler.render.notices import changes_of, notice_title, pressing

NOTICE: Final = "plumbline.dev/notice/v1"


def notice_document(notice: Notice, *, values: bool = True, most: int = 0) -> JsonObject:
    """Gives a notice as a JSON object; `json_schema.notice_schema` describes it.

    Args:
        notice: What to write; secrets in it are masked already.
        values: Whether fields have their values; else each says that they were left out.
        most: So many episodes at most, the worst ones; 0 for all. How many are missing is said.
    """
    shown = notice.episodes[: most or None]
    document: JsonObject = json_value(
        {
            "schema": NOTICE,
            "subject": notice.subject,
            "target": notice.target,
            "title": notice_title(notice),
            "standing": pressing(notice).value,
            "severity": notice.severity.value,
            "over": notice.is_over,
            "reminder": notice.reminder,
            "episodes": [_episode(episode, values=values) for episode in shown],
            "leftOut": len(notice.episodes) - len(shown),
        }
    )
    return document


def _episode(episode: Episode, *, values: bool) -> JsonObject:
    return {
        "drift": episode.drift,
        "firstSeen": episode.first_seen,
        "type": episode.type.value,
        "severity": episode.severity.value,
        "standing": episode.standing.value,
        "resource": key_document(episode.key),
        "note": episode.note or None,
        "actor": episode.actor or None,
        "revision": episode.revision or None,
        "action": episode.action or None,
        "reason": episode.reason or None,
        "plan": episode.plan or None,
        "changes": [
            change_document(path, each, values=values) for path, each in changes_of(episode)
        ],
        "life": [
            {
                "time": event.time,
                "type": event.type.value,
                "actor": event.actor or None,
                "reason": event.reason or None,
            }
            for event in episode.life
        ],
    }


def change_document(path: str, change: Change, *, values: bool = True) -> JsonObject:
    """Gives a field's change as a JSON object.

    Args:
        path: As people write it.
        change: What differs; secrets in it are masked already.
        values: Whether it has its values; else it says that they were left out.
    """
    document: JsonObject = {"path": path, "change": change.change.value}
    if values:
        document |= {"desired": change.desired, "live": change.live}
    else:
        document["leftOut"] = True
    if change.masked is not None:
        masked = change.masked
        document["digest"] = {"desired": masked.desired or None, "live": masked.live or None}
    return document
