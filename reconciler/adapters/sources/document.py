"""Types of what a file of manifests holds, before anybody asks whether it is a manifest."""

from dataclasses import dataclass
from typing import Any

#: Levels of lists and maps in one another. No kind of Kubernetes comes near (a CRD has some 60);
#: orjson, which writes them again, stops at 254.
DEPTH_LIMIT = 200

#: How many nodes aliases may add to one file, and to one run. The first is where Kubernetes' own
#: reader (`allowedAliasRatio` in go.yaml.in/yaml/v2/decode.go) begins to doubt.
ALIAS_LIMIT_FILE = 400_000
ALIAS_LIMIT_RUN = 4_000_000


class DocumentError(Exception):
    """A file can't be read.

    Attributes:
        line: Where, from 1.
        message: What is wrong; quotes nothing.
        fix: What the file's author should do.
    """

    def __init__(self, line: int, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file.

    Attributes:
        value: What it holds, as JSON; None for an empty one.
        line: The line of its first key, from 1.
        lines: By a map's id() the line of its first key, for the upper maps.
    """

    value: Any
    line: int
    lines: dict[int, int]


@dataclass(slots=True)
class AliasBudget:
    """What aliases may still add in this run, in nodes."""

    left: int = ALIAS_LIMIT_RUN
