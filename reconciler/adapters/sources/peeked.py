"""A source that can be looked at without being read twice."""

from reconciler.core.desired import Rendered
from reconciler.ports import Source


class Peeked:
    """See `ports.Source`. What was peeked at is what the next fetch gives."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._peeked: Rendered | None = None

    def peek(self) -> Rendered:
        """Reads, and keeps it for the next fetch.

        Raises:
            PlumblineError: As `fetch`.
        """
        # Where this fails, an older look must not be taken for the present.
        self._peeked = None
        self._peeked = self._source.fetch()
        return self._peeked

    def fetch(self) -> Rendered:
        """Gives what was peeked at last, once; else reads."""
        peeked, self._peeked = self._peeked, None
        return peeked if peeked is not None else self._source.fetch()
