"""A history in memory, for tests of whatever writes one."""

from collections.abc import Mapping, Sequence

from reconciler.core.history import Event, HistoryQuery, KnownDrift, Verification, remembered


class FakeHistory:
    """See `ports.History`. Nobody can change it behind its back, so it's always sound."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._known: dict[str, Mapping[str, KnownDrift]] = {}
        self._forgotten = 0

    def append(self, events: Sequence[Event]) -> None:
        self.events.extend(events)
        for target in {event.target for event in events}:
            mine = [event for event in events if event.target == target]
            self._known[target] = remembered(self.known(target), mine)

    def known(self, target: str) -> Mapping[str, KnownDrift]:
        return self._known.get(target, {})

    def find(self, query: HistoryQuery) -> Sequence[Event]:
        found = [event for event in self.events if query.matches(event)]
        return found[-query.limit :] if query.limit else found

    def forget(self, before: str) -> int:
        old = 0
        while old < len(self.events) and self.events[old].time < before:
            old += 1
        del self.events[:old]
        self._forgotten += old
        return old

    def verify(self) -> Verification:
        count = len(self.events)
        return Verification(count, self._forgotten + 1, self._forgotten + count, head="fake")
