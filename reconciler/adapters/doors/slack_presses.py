"""What Slack tells of a pressed button: by whom, where, and which one. Nothing else is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.render.slack_choices import PREFIX, Choice, read

_ID: Final = re.compile(r"[A-Z0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Press:
    """A control of ours that somebody used.

    Attributes:
        choice: What it stands for.
        user: Slack's ID of who did.
        teams: The workspaces, or organizations, that it was in and that the user belongs to.
        channel: Slack's ID of where; empty where that isn't told.
        answer_to: Where an answer can be sent.
        marks: By each of these the same press is known again.
    """

    choice: Choice
    user: str
    teams: frozenset[str]
    channel: str
    answer_to: str
    marks: frozenset[str]


def press_of(payload: object) -> Press | None:
    """Reads a payload; None where it tells of nothing that is for us.

    See docs.slack.dev/reference/interaction-payloads/block_actions-payload.
    """
    if not isinstance(payload, Mapping) or payload.get("type") != "block_actions":
        return None
    user, team = _part(payload, "user"), _part(payload, "team")
    name, place = _id(user.get("id")), _id(team.get("id"))
    actions = payload.get("actions")
    for action in actions if isinstance(actions, list) else ():
        choice = _choice(action)
        if choice is None or not name or not place:
            continue
        channel = _part(payload, "channel").get("id") or _part(payload, "container").get(
            "channel_id"
        )
        marks = (payload.get("trigger_id"), f"{name} {action.get('action_ts')} {choice}")
        return Press(
            choice=choice,
            user=name,
            teams=frozenset({place, _id(user.get("team_id")) or place}),
            channel=_id(channel),
            answer_to=str(payload.get("response_url") or ""),
            marks=frozenset(str(mark) for mark in marks if mark),
        )
    return None


def _choice(action: object) -> Choice | None:
    if not isinstance(action, Mapping) or not str(action.get("action_id", "")).startswith(PREFIX):
        return None
    return read(action.get("value") or _part(action, "selected_option").get("value"))


def _part(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = holder.get(name)
    return part if isinstance(part, Mapping) else {}


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
