"""What a person says to Plumbline, whichever door it comes through: Slack, a forge, a command."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

#: In the event that tells of a word, among what is `after`: what its speaker belonged to.
GROUPS: Final = "groups"


class WordType(StrEnum):
    """What a person may say about a drift or a plan."""

    APPROVE = "approve"  # carry out exactly this plan
    REJECT = "reject"  # don't
    ADOPT = "adopt"  # open a pull request that makes Git say what is live
    IGNORE = "ignore"  # leave this object alone for a while
    EXPLAIN = "explain"  # say where every field comes from


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said it, as the door knows it.

    Attributes:
        identity: The door and what it calls this person, such as `slack:U0123` or `gitea:jane`.
        name: For people to read; empty where the door knows none.
        groups: What the person belongs to, by the door's word, such as `slack:S0456` for a user
            group and `slack:C0789` for the channel in which it was said.
    """

    identity: str
    name: str = ""
    groups: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.name} ({self.identity})" if self.name else self.identity


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said. The door vouches for the speaker; all else is only what was sent.

    Attributes:
        type: What is wanted.
        speaker: By whom.
        target: The target's name.
        drift: The drift's id; empty where a plan alone is meant.
        plan: Digest of the plan; empty where none is meant.
        until: For `ignore`, the end of it.
        reason: In the person's words.
    """

    type: WordType
    speaker: Speaker
    target: str
    drift: str = ""
    plan: str = ""
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What became of a word, for the one who said it.

    Attributes:
        heeded: Whether it was taken down.
        text: What to tell the person: one or a few sentences, or an explanation in lines.
    """

    heeded: bool
    text: str
