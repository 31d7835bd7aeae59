"""A source that reads while its caller does something else."""

from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.core.desired import Rendered
from reconciler.ports import Source


class Begun:
    """See `ports.Source`. Its first reading begins at once; later ones when they are asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        pool = ThreadPoolExecutor(1, "source")
        self._first: Future[Rendered] | None = pool.submit(source.fetch)
        pool.shutdown(wait=False)

    def fetch(self) -> Rendered:
        """Gives what the first reading gave, the first time; then reads anew."""
        first, self._first = self._first, None
        return first.result() if first is not None else self._source.fetch()
