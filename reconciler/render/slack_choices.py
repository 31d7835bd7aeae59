"""What a person can choose below a Slack message, and how it comes back when they do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from reconciler.core.notices import Episode, Notice, Standing
from reconciler.core.resource import JsonObject
from reconciler.core.words import WordType
from reconciler.render.slack_text import CONFIRM_TEXT, OPTION_VALUE, cut, plain
from reconciler.render.summaries import counted

#: Begins the name of every control of ours; what else is in a channel isn't for us.
PREFIX: Final = "plumbline:"

#: For how many hours an object can be ignored, and how that reads.
IGNORABLE: Final = {1: "1 hour", 8: "8 hours", 24: "1 day", 168: "7 days"}

#: No value of ours is longer; Slack takes 2,000 characters with a button.
_VALUE: Final = 2000
#: Plans of one notice that are offered; more than one is there only while policy catches up.
_PLANS: Final = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What a control stands for. Whoever presses it says that, and nothing of it is trusted.

    Attributes:
        type: What is wanted.
        target: The target's name.
        drift: The drift's id; empty where a plan alone is meant.
        plan: Digest of the plan; empty where none is meant.
        hours: For `ignore`, for how long.
    """

    type: WordType
    target: str
    drift: str = ""
    plan: str = ""
    hours: int = 0


def written(choice: Choice) -> str:
    """Writes a choice as a control's value: ASCII, with nothing in it that Slack escapes."""
    values: list[Any] = [choice.type.value, choice.target, choice.drift, choice.plan, choice.hours]
    while not values[-1]:
        values.pop()
    text = json.dumps(values, separators=(",", ":"))
    for sign in "&<>":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def read(value: object) -> Choice | None:
    """Reads a control's value; None where it is none of ours."""
    if not isinstance(value, str) or len(value) > _VALUE:
        return None
    try:
        values = json.loads(value)
    except (ValueError, RecursionError):
        return None
    match values:
        case [str(word), str(target)]:
            choice = word, target, "", "", 0
        case [str(word), str(target), str(drift)]:
            choice = word, target, drift, "", 0
        case [str(word), str(target), str(drift), str(plan)]:
            choice = word, target, drift, plan, 0
        case [str(word), str(target), str(drift), str(plan), int(hours)]:
            choice = word, target, drift, plan, int(hours)
        case _:
            return None
    word, hours = choice[0], choice[-1]
    if word not in set(WordType) or (hours in IGNORABLE) is not (word == WordType.IGNORE):
        return None
    return Choice(WordType(word), *choice[1:])


def is_open_to_words(episode: Episode) -> bool:
    """Whether people are asked about an episode."""
    return episode.standing is Standing.ASKED and bool(episode.plan)


def controls_of_one(episode: Episode) -> list[JsonObject]:
    """Gives the row of controls for an episode; none where nobody is asked."""
    if not is_open_to_words(episode):
        return []
    target, drift = episode.target, episode.drift
    restore = Choice(WordType.APPROVE, target, drift, episode.plan)
    ignores = [(f"for {IGNORABLE[hours]}", choice) for hours, choice in _ignores(episode)]
    elements = [
        _restore(restore, "Restore", str(episode.key)),
        _button(Choice(WordType.ADOPT, target, drift), "Adopt (pull request)"),
        *_select(ignores, "Ignore…"),
        _button(Choice(WordType.EXPLAIN, target, drift), "Explain"),
    ]
    return [{"type": "actions", "elements": elements}]


def controls_of_object(episode: Episode) -> list[JsonObject]:
    """Gives what can be chosen for one object among many; none where nobody is asked."""
    if not is_open_to_words(episode):
        return []
    options = [
        ("Explain", Choice(WordType.EXPLAIN, episode.target, episode.drift)),
        ("Adopt (pull request)", Choice(WordType.ADOPT, episode.target, episode.drift)),
        *((f"Ignore for {IGNORABLE[hours]}", choice) for hours, choice in _ignores(episode)),
    ]
    elements = _select(options, "For this object…")
    return [{"type": "actions", "elements": elements}] if elements else []


def controls_of_many(notice: Notice) -> list[JsonObject]:
    """Gives the row of controls that restore objects together; none where nobody is asked."""
    asked = sorted(filter(is_open_to_words, notice.episodes), key=lambda each: each.plan)
    elements = []
    for plan, episodes in groupby(asked, key=lambda each: each.plan):
        count = counted(len(list(episodes)), "object")
        choice = Choice(WordType.APPROVE, notice.target, "", plan)
        elements.append(_restore(choice, f"Restore {count}", count))
    return [{"type": "actions", "elements": elements[:_PLANS]}] if elements else []


def _ignores(episode: Episode) -> list[tuple[int, Choice]]:
    ignore = WordType.IGNORE
    return [(h, Choice(ignore, episode.target, episode.drift, "", h)) for h in IGNORABLE]


def _restore(choice: Choice, text: str, what: str) -> JsonObject:
    question = (
        f"{cut(what, 120)} will be what Git says, and all else that plan {cut(choice.plan, 40)} "
        "puts right. If anything moved since, nothing is done and you are told."
    )
    element = _button(choice, text)
    element["style"] = "primary"
    element["confirm"] = {
        "title": plain(f"{text}?", 100),
        "text": plain(question, CONFIRM_TEXT),
        "confirm": plain("Restore"),
        "deny": plain("Not now"),
    }
    return element


def _button(choice: Choice, text: str) -> JsonObject:
    name = f"{PREFIX}{choice.type.value}:{choice.plan}"[:255]
    return {"type": "button", "text": plain(text), "action_id": name, "value": written(choice)}


def _select(options: Sequence[tuple[str, Choice]], text: str) -> list[JsonObject]:
    """Gives a menu; none where a target's name is longer than Slack can give back."""
    made = [{"text": plain(words), "value": written(choice)} for words, choice in options]
    if any(len(str(option["value"])) > OPTION_VALUE for option in made):
        return []
    name = f"{PREFIX}more"
    return [
        {"type": "static_select", "placeholder": plain(text), "action_id": name, "options": made}
    ]
