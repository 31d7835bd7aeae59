"""A source that is looked at before it is read."""

import pytest

from reconciler.adapters.sources.peeked import Peeked
from reconciler.core.desired import Rendered
from reconciler.core.errors import SourceError


class Moving:
    """A source that gives another revision each time, or fails."""

    def __init__(self) -> None:
        self.fetched = 0
        self.is_gone = False

    def fetch(self) -> Rendered:
        if self.is_gone:
            raise SourceError("gone")
        self.fetched += 1
        return Rendered(str(self.fetched), (), ())


def test_what_was_peeked_at_is_what_is_read_and_only_once() -> None:
    source = Moving()
    peeked = Peeked(source)
    assert peeked.peek().revision == "1"
    assert peeked.fetch().revision == "1"
    assert source.fetched == 1
    # As the fresh comparison after a restore: nobody peeked, so it's read anew.
    assert peeked.fetch().revision == "2"


def test_who_peeks_twice_reads_the_later_one() -> None:
    peeked = Peeked(Moving())
    peeked.peek()
    assert peeked.peek().revision == "2"
    assert peeked.fetch().revision == "2"


def test_a_source_that_fails_leaves_nothing_old_behind() -> None:
    source = Moving()
    peeked = Peeked(source)
    peeked.peek()
    source.is_gone = True
    with pytest.raises(SourceError, match="gone"):
        peeked.peek()
    with pytest.raises(SourceError, match="gone"):
        peeked.fetch()
