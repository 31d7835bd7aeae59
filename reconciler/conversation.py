"""Answers what people say to the controller, whichever door they say it through.

Each word is judged by a fresh look: a button was drawn some time ago, and the press may come to
any replica, whoever leads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from reconciler.controller import Look
from reconciler.core.approving import Concerned, no_say
from reconciler.core.deciding import labels_of
from reconciler.core.drift import Drift
from reconciler.core.history import EventType
from reconciler.core.moments import rfc3339
from reconciler.core.suspension import Suspension, suspension_event
from reconciler.core.words import Hearing, Word, WordType
from reconciler.deliberation import Deliberation
from reconciler.explanation import explained
from reconciler.hearing import no_such_plan, take_down
from reconciler.keeper import Keeper
from reconciler.ports import History
from reconciler.render.explanations import explanation_text
from reconciler.render.terminal import Style

_OVER = "that drift is over: the object is as declared now, or another drift took its place"
_NO_FORGE = "no forge is configured, so no pull request can be opened: name forge.token_file"
#: What an object is left alone for, where the person said no more.
_IGNORED = "ignored for a while"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Hears words.

    Attributes:
        keepers: By target, what keeps it true.
        history: Where what is said is written.
        clock: Tells the time, with its zone.
        adopters: By target, what opens the pull request that makes Git say what is live; none
            where there is no forge.
    """

    keepers: Mapping[str, Keeper]
    history: History
    clock: Callable[[], datetime]
    adopters: Mapping[str, Callable[[Look, Drift], Hearing]] = field(default_factory=dict)

    def hear(self, word: Word) -> Hearing:
        """Takes down what a person says, or answers it.

        Raises:
            PlumblineError: A side can't be read, or the history.
        """
        keeper = self.keepers.get(word.target)
        if keeper is None:
            return Hearing(False, "there is no such target any more")
        done = keeper.judged()
        match word.type:
            case WordType.APPROVE:
                return self._verdict(word, EventType.APPROVED, keeper, done)
            case WordType.REJECT:
                return self._verdict(word, EventType.REJECTED, keeper, done)
            case WordType.ADOPT | WordType.IGNORE | WordType.EXPLAIN:
                drifts = done.look.report.drifts
                drift = next((each for each in drifts if each.id == word.drift), None)
                if drift is None:
                    return Hearing(False, _OVER)
                return self._about(word, drift, keeper, done)
            case _:
                assert_never(word.type)

    def _verdict(
        self, word: Word, verdict: EventType, keeper: Keeper, done: Deliberation
    ) -> Hearing:
        # Who said yes may think better of it; what is carried out unasked is nobody's to judge.
        if not (done.waits_for_person or done.approved):
            return Hearing(False, no_such_plan(word.plan, []))
        said = (word.plan, verdict, word.speaker, word.reason)
        return take_down(done, *said, keeper.policy, self.history, self.clock())

    def _about(self, word: Word, drift: Drift, keeper: Keeper, done: Deliberation) -> Hearing:
        if word.type is WordType.EXPLAIN:
            found = explained(keeper.target, done.look, drift.key, drift.api_version)
            return Hearing(True, explanation_text(found, Style(False, 0), self.clock()))
        if word.type is WordType.ADOPT:
            # Anybody may ask for one: whoever may merge it decides.
            adopt = self.adopters.get(word.target)
            return adopt(done.look, drift) if adopt else Hearing(False, _NO_FORGE)
        concerned = Concerned(drift, labels_of(drift, done.look.sides))
        refusal = no_say(word.speaker, [concerned], keeper.policy.approvals)
        if refusal:
            return Hearing(False, refusal)
        return self._ignore(word, drift)

    def _ignore(self, word: Word, drift: Drift) -> Hearing:
        now = self.clock().replace(microsecond=0)
        if word.until is None or word.until <= now:
            return Hearing(False, "it would end before it begins: say for how long")
        until = word.until.replace(microsecond=0)
        by = str(word.speaker)
        suspension = Suspension(drift.key, until, by, word.reason or _IGNORED)
        self.history.append([suspension_event(word.target, suspension, rfc3339(now))])
        key = drift.key
        place = f" -n {key.namespace}" if key.namespace else ""
        command = f"plumbline resume {word.target} --object {key.kind.lower()}/{key.name}{place}"
        text = f"{key} is left alone until {rfc3339(until)}, by {by}"
        return Hearing(True, f"{text}\nIt ends before by: {command}")
