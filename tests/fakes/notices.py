"""What people were told, in memory, and a notifier that shows it to nobody."""

from collections.abc import Sequence

from reconciler.core.errors import NotifierError
from reconciler.core.notices import Notice
from reconciler.core.telling import Told


class FakeNoticeStore:
    """See `ports.NoticeStore`."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], Told] = {}
        self._until: dict[str, str] = {}

    def load(self, notifier: str) -> Sequence[Told]:
        return [told for (name, _), told in sorted(self.told.items()) if name == notifier]

    def save(self, told: Told) -> None:
        self.told[told.notifier, told.subject] = told

    def forget(self, notifier: str, subjects: Sequence[str]) -> None:
        for subject in subjects:
            self.told.pop((notifier, subject), None)

    def until(self, notifier: str) -> str:
        return self._until.get(notifier, "")

    def set_until(self, notifier: str, time: str) -> None:
        self._until[notifier] = time


class Board:
    """See `ports.Notifier`: shows each subject once, as of the last call.

    Attributes:
        shown: The notices by reference.
        calls: How often it was called.
        away: Raised instead, where set.
        refused: Subjects that are refused for good.
    """

    def __init__(self) -> None:
        self.shown: dict[str, Notice] = {}
        self.calls = 0
        self.away: NotifierError | None = None
        self.refused: set[str] = set()

    def show(self, notice: Notice, shown: str) -> str:
        self.calls += 1
        if self.away is not None:
            raise self.away
        if notice.subject in self.refused:
            raise NotifierError("it can't be shown", fix="mend it", lasting=True)
        reference = shown or f"#{len(self.shown) + 1}"
        self.shown[reference] = notice
        return reference
