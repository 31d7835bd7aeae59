"""Follows the pull request of a target, beside its cycles: no forge ever holds one up."""

from collections.abc import Callable

from reconciler.core.cycle import Cycle
from reconciler.core.drift import Severity
from reconciler.core.errors import ForgeError, PlumblineError
from reconciler.core.report import Report
from reconciler.deliberation import Deliberation
from reconciler.ports import Forge
from reconciler.proposing import Proposer
from reconciler.rounds import BackOff, Rounds

#: Seconds from one look at the forge to the next, while somebody may merge there.
_POLL = 20.0
#: Seconds before a second try, doubled with each further one, up to the longest.
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 300.0


class Follower(Rounds):
    """See `ports.Observer`: keeps one target's pull request and commit status up to date."""

    def __init__(
        self,
        target: str,
        proposer: Proposer,
        marks: Forge | None,
        leads: Callable[[], bool],
        say: Callable[..., None],
    ) -> None:
        """Asks nothing yet.

        Args:
            target: The target's name.
            proposer: Keeps its pull request.
            marks: Shows on commits how the cluster stands; None where that isn't wanted.
            leads: Whether this replica acts for the target.
            say: Tells what happens, in the log.
        """
        super().__init__(f"forge-{target}", _POLL)
        self._target = target
        self._proposer = proposer
        self._marks = marks
        self._leads = leads
        self._say = say
        self._last: Callable[[], Deliberation | None] = lambda: None
        self._report: Report | None = None
        self._marked: tuple[str, str] = ("", "")
        self._back_off = BackOff(_FIRST_PAUSE, _LONGEST_PAUSE)

    def start(self, last: Callable[[], Deliberation | None]) -> None:
        """Begins to follow.

        Args:
            last: Gives what the last look at the target led to.
        """
        self._last = last
        self._begin()

    def saw(self, cycle: Cycle) -> None:
        """Has the forge brought up to date with what a cycle found."""
        if cycle.target == self._target and cycle.report is not None:
            self._report = cycle.report
            self.wake()

    def round(self) -> float:
        """Brings the forge up to date.

        Returns:
            For how many seconds to leave it alone; zero where all went well.
        """
        done = self._last()
        if done is None or not self._leads():
            return 0.0
        try:
            told = self._proposer.follow(done)
            self._mark()
        except PlumblineError as error:
            self._complain(str(error))
            pause = self._back_off.pause
            self._back_off.note(failed=True)
            return max(pause, error.after if isinstance(error, ForgeError) else 0.0)
        self._back_off.note(failed=False)
        if told:
            self._say("forge", target=self._target, told=told)
        return 0.0

    def _mark(self) -> None:
        report = self._report
        if self._marks is None or report is None:
            return
        text = standing_of(report)
        if self._marked != (report.revision, text):
            good = not report.drifts
            self._marks.mark(report.revision, good=good, description=text)
            self._marked = (report.revision, text)

    def _complain(self, error: str) -> None:
        self._say("the forge could not be brought up to date", error=error)


def standing_of(report: Report) -> str:
    """Says in a few words how the cluster stands to a commit."""
    summary = report.summary
    if not report.drifts:
        return f"{summary.resources} objects are as declared"
    high = sum(drift.severity is Severity.HIGH for drift in report.drifts)
    text = f"{len(report.drifts)} of {summary.resources} objects aren't as declared"
    return f"{text}, {high} of high severity" if high else text
