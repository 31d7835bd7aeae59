"""Pieces of text put in place of others: whole lines, and parts between commas."""

from dataclasses import dataclass, field
from itertools import pairwise

from reconciler.adapters.manifests.nodes import Mapping, Node, Sequence, Unplaced


@dataclass(slots=True)
class Splices:
    """Gathers what is to be put where in a text.

    Attributes:
        text: The file.
    """

    text: str
    _made: list[tuple[int, int, str]] = field(default_factory=list)

    def applied(self) -> str:
        """Gives the file with all edits made.

        Raises:
            Unplaced: Two of them overlap.
        """
        newline = "\r\n" if "\r\n" in self.text else "\n"
        text = self.text
        ordered = sorted(self._made, key=lambda each: each[:2])
        for (_, end, _), (start, _, _) in pairwise(ordered):
            if start < end:
                raise Unplaced("what is to be changed stands in one another")
        for start, end, put in reversed(ordered):
            text = text[:start] + put.replace("\n", newline) + text[end:]
        # A text of several lines that ends its file now would lose its own newline.
        is_last = any(end == len(self.text) and "\n" in put for _, end, put in ordered)
        return f"{text}{newline}" if is_last and not text.endswith("\n") else text

    def put(self, start: int, end: int, text: str) -> None:
        """Puts a text in place of what is between two places."""
        self._made.append((start, end, text))

    def drop_from_flow(self, starts: list[int], ends: list[int], at: int, kept: list[int]) -> None:
        """Takes a part away with the comma that it no longer needs."""
        if any(each < at for each in kept):
            self.put(ends[at - 1], ends[at], "")
        else:
            self.put(starts[at], starts[at + 1], "")

    def comma(self, node: Mapping | Sequence, before: Node, text: str) -> str:
        """Gives a new part with its comma, on a line of its own where the others are."""
        parts = [entry[0] for entry in node.entries] if isinstance(node, Mapping) else node.items
        if parts[0].line == node.line:
            return f", {text}"
        return f",\n{' ' * parts[0].column}{text}"

    def put_below(self, behind: int, lines: list[str], *, instead_of: int = -1) -> None:
        """Puts lines below that of a place, in place of what is there up to another place."""
        start = self.line_end(behind)
        end = max(start, self.line_end(instead_of)) if instead_of >= 0 else start
        self.put(start, end, "".join(f"\n{line}" for line in lines))

    def drop_lines(self, start: int, end: int, *, with_comments: bool) -> None:
        """Takes lines away, with the comments right above that are indented alike."""
        first = self.line_start(start)
        pad = self.text[first:start]
        while with_comments and first:
            above = self.line_start(first - 1)
            if not self.text[above:first].startswith(f"{pad}#"):
                break
            first = above
        last = self.line_end(end)
        # The newline before goes with them: the last line of a file may have none.
        self.put(max(first - 1, 0), last, "") if first else self.put(0, last + 1, "")

    def begins_line(self, at: int) -> bool:
        """Whether nothing but spaces stands before a place on its line."""
        return not self.text[self.line_start(at) : at].strip(" \ufeff")

    def line_start(self, at: int) -> int:
        """Gives where the line of a place begins."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Gives where the line of a place ends, before its newline."""
        found = self.text.find("\n", at)
        if found < 0:
            return len(self.text)
        return found - 1 if self.text[found - 1 : found] == "\r" and found > at else found

    def dash(self, node: Sequence, at: int) -> int:
        """Gives where the dash of a block list's item is.

        Raises:
            Unplaced: There is none.
        """
        before = node.items[at - 1].end if at else node.start
        start = node.items[at].start
        found = before if not at and self.text[before] == "-" else -1
        if found < 0:
            found = self.text.rfind("-", before, start)
        if found < 0:
            raise Unplaced("a list's item isn't found")
        return found
