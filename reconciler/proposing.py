"""Proposes by a pull request what its merge agrees to: one branch, one request, kept up to date.

The request's content is the record of the drift. Its merge is a yes to exactly the plan that it
was opened for, its closing a no; both are written down as every other verdict is, and acted on by
the next look. What was proposed is remembered here, never read back from the forge: whoever may
edit a request's text could otherwise have another plan agreed to.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from reconciler.core.deciding import Policy
from reconciler.core.drift import Drift
from reconciler.core.events import desired_of, live_of
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.notices import Episode, Notice, episodes_of, notice_of
from reconciler.core.planning import content_digest
from reconciler.core.pull_requests import (
    BranchContent,
    PullRequest,
    PullRequestState,
    revert_branch,
)
from reconciler.core.redact import Redaction
from reconciler.core.telling import Told
from reconciler.core.words import Speaker
from reconciler.deliberation import Deliberation
from reconciler.delivery import enriched
from reconciler.hearing import take_down
from reconciler.ports import Branches, Forge, History, NoticeStore
from reconciler.render.markdown import code
from reconciler.render.proposals import (
    proposal_body,
    proposal_message,
    proposal_title,
    record_path,
    record_text,
)

#: Under which name the store remembers pull requests.
_NOTIFIER = "pull request"
_SUBJECT = "revert"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A pull request as it was left.

    Attributes:
        number: Its number.
        head: The commit that was pushed.
        content: Keyed digest of what its plan writes, see `planning.content_digest`.
        heard: Whether its end was taken down already.
    """

    number: int
    head: str
    content: str
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a target's pull requests are.

    Attributes:
        forge: Opens them.
        branches: Writes their branches.
        base: The branch that they are to be merged into.
        door: The forge's name, as identities begin with it: `github`, `gitlab` or `gitea`.
    """

    forge: Forge
    branches: Branches
    base: str
    door: str


class Proposer:
    """Keeps the one pull request of a target."""

    def __init__(
        self,
        target: str,
        repository: Repository,
        policy: Policy,
        history: History,
        store: NoticeStore,
        redaction: Redaction,
        clock: Callable[[], datetime],
    ) -> None:
        """Asks nothing yet.

        Args:
            target: The target's name.
            repository: Where its pull requests are.
            policy: Whose yes counts.
            history: Where verdicts are written.
            store: Remembers the pull request.
            redaction: Makes digests that nobody else can make.
            clock: Tells the time, with its zone.
        """
        self._target = target
        self._repository = repository
        self._policy = policy
        self._history = history
        self._store = store
        self._redaction = redaction
        self._clock = clock
        self.branch = revert_branch(target)

    def follow(self, done: Deliberation) -> str:
        """Brings the pull request up to date with what a look led to.

        Returns:
            What is to be told in the log; empty where nothing was done.

        Raises:
            ForgeError: The forge can't be asked, or refuses.
            SourceError: The branch can't be pushed.
            HistoryError: What was proposed can't be remembered.
        """
        before = self._load()
        if not done.proposed.actions:
            return self._end(before)
        content = content_digest(done.proposed, self._redaction)
        there = self._repository.forge.find(self.branch)
        note = ""
        if before is not None and there is not None and there.number == before.number:
            is_ours = there.head == before.head and before.content == content
            if there.state is PullRequestState.OPEN and is_ours:
                return ""
            if there.state is not PullRequestState.OPEN and is_ours:
                if before.heard:
                    return ""
                note = self._heard(done, before, there)
                if not note:
                    return f"{there.state} pull request {there.number} was taken down as said"
        return self._propose(done, content, there, note)

    def current(self) -> PullRequest | None:
        """Gives the open pull request; None where there is none.

        Raises:
            ForgeError: The forge can't be asked.
        """
        there = self._repository.forge.find(self.branch)
        return there if there is not None and there.state is PullRequestState.OPEN else None

    def _end(self, before: Proposed | None) -> str:
        if before is None:
            return ""
        there = self._repository.forge.find(self.branch)
        if there is not None and there.state is PullRequestState.OPEN:
            text = "The drift that this was about is gone: nothing is left to agree to."
            self._repository.forge.close(there.number, text)
        self._repository.branches.delete(self.branch)
        self._store.forget(_NOTIFIER, [_SUBJECT])
        return f"pull request {before.number} has come to its end"

    def _heard(self, done: Deliberation, before: Proposed, there: PullRequest) -> str:
        """Takes down what the end of a pull request says.

        Returns:
            Why it doesn't count; empty where it was taken down.
        """
        is_yes = there.state is PullRequestState.MERGED
        verdict = EventType.APPROVED if is_yes else EventType.REJECTED
        speaker = Speaker(f"{self._repository.door}:{there.by}")
        said = take_down(
            done,
            done.proposed.digest,
            verdict,
            speaker,
            there.url,
            self._policy,
            self._history,
            self._clock(),
        )
        if said.heeded:
            self._save(replace(before, heard=True))
            return ""
        return f"{there.url} was {there.state} by {there.by}, which doesn't count: {said.text}"

    def _propose(
        self, done: Deliberation, written: str, there: PullRequest | None, note: str
    ) -> str:
        notice, plan = self._notice(done), done.proposed
        title, body = proposal_title(notice), proposal_body(notice, plan.digest)
        body = f"> {code(note)}\n\n{body}" if note else body
        content = BranchContent(
            base=done.look.report.revision,
            files={record_path(self._target): record_text(notice, plan.digest)},
            message=proposal_message(notice, plan.digest),
        )
        head = self._repository.branches.push(self.branch, content)
        forge = self._repository.forge
        if there is not None and there.state is PullRequestState.OPEN:
            forge.update(there.number, title, body)
            number = there.number
        else:
            number = forge.open(self.branch, self._repository.base, title, body).number
        self._save(Proposed(number, head, written))
        return f"pull request {number} proposes {plan.digest}"

    def _notice(self, done: Deliberation) -> Notice:
        """Gives the episodes of what is proposed."""
        keys = {action.key for action in done.proposed.actions}
        drifts = {drift.id: drift for drift in done.look.report.drifts if drift.key in keys}
        since = min(drift.first_seen for drift in drifts.values())
        query = HistoryQuery(target=self._target, drifts=frozenset(drifts), since=since)
        episodes = [
            enriched(each, drifts.get(each.drift))
            for each in episodes_of(self._history.find(query))
            if not each.is_over
        ]
        # Of what has lasted for longer than the history is kept, the look alone tells.
        told = {episode.drift for episode in episodes}
        revision = done.look.report.revision
        rest = [drift for drift in drifts.values() if drift.id not in told]
        return notice_of([*episodes, *(_seen(self._target, each, revision) for each in rest)])

    def _load(self) -> Proposed | None:
        told = {each.subject: each for each in self._store.load(_NOTIFIER)}
        found = told.get(_SUBJECT)
        return Proposed(**json.loads(found.shown)) if found is not None else None

    def _save(self, proposed: Proposed) -> None:
        shown = json.dumps(asdict(proposed))
        self._store.save(Told(_NOTIFIER, _SUBJECT, (), shown, "", self._clock()))


def _seen(target: str, drift: Drift, revision: str) -> Episode:
    return Episode(
        target,
        drift.id,
        drift.first_seen,
        drift.key,
        drift.type,
        drift.severity,
        note=drift.note,
        revision=revision,
        before=desired_of(drift),
        after=live_of(drift),
    )
