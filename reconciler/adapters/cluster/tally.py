"""Counts requests, from many threads."""

import threading
from dataclasses import dataclass, field, replace

from reconciler.core.report import Requests


@dataclass(slots=True)
class Tally:
    """The requests made until now."""

    _requests: Requests = field(default_factory=Requests)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> Requests:
        """The counts as they stand."""
        return self._requests

    def listed(self) -> None:
        """Counts a LIST, once however many pages it has."""
        with self._lock:
            self._requests = replace(self._requests, list=self._requests.list + 1)

    def got(self) -> None:
        """Counts a read of an object or a document, or a question about rights."""
        with self._lock:
            self._requests = replace(self._requests, get=self._requests.get + 1)

    def dry_run(self) -> None:
        """Counts a dry-run write."""
        with self._lock:
            self._requests = replace(self._requests, dry_run=self._requests.dry_run + 1)

    def wrote(self) -> None:
        """Counts a real write."""
        with self._lock:
            self._requests = replace(self._requests, write=self._requests.write + 1)
