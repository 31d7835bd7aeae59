"""The error families, by who must act. Foreign errors are mapped to these at the adapters."""

from dataclasses import dataclass


class PlumblineError(Exception):
    """Root of all errors that this program raises on purpose.

    Args:
        message: What is wrong, in one sentence, without any secret.
        fix: What the reader can do about it, if that is known.
    """

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message


class ConfigError(PlumblineError):
    """The operator's flags, environment or configuration file are wrong."""


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """One thing wrong with one place in the declared manifests.

    Attributes:
        path: The file, as a path inside the repository.
        line: Its line, from 1; 0 where the whole file (or folder) is meant.
        message: What is wrong there; never quotes the file's contents.
        fix: What its author should do.
    """

    path: str
    line: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        text = f"{place}: {self.message}"
        return f"{text}\n  fix: {self.fix}" if self.fix else text


class ManifestError(PlumblineError):
    """The manifests can't be taken as a desired state; their author must act.

    Holds every problem found, so that one run shows all of them.
    """

    def __init__(self, *problems: ManifestProblem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class SourceError(PlumblineError):
    """The Git repository (or a renderer's program) couldn't be reached or read."""


class UnverifiedError(SourceError):
    """A commit may not be acted on: it isn't signed as it must be, or is behind the last one.

    Attributes:
        commit: Which one; empty for what is no commit.
    """

    def __init__(self, message: str, *, fix: str = "", commit: str = "") -> None:
        super().__init__(message, fix=fix)
        self.commit = commit


class ClusterError(PlumblineError):
    """The cluster (or its dump) couldn't be reached or read."""


class Rejected(ClusterError):  # noqa: N818 - an answer of the API server, named as its Status says
    """The API server answered and refused.

    Attributes:
        code: The HTTP status, such as 403, 404, 409, 422.
        reason: The Status object's `reason`, such as `Invalid` or `Conflict`.
        fields: The field paths that the Status object's causes name; no values.
    """

    def __init__(
        self, message: str, *, code: int, reason: str, fields: tuple[str, ...] = (), fix: str = ""
    ) -> None:
        super().__init__(message, fix=fix)
        self.code = code
        self.reason = reason
        self.fields = fields

    @property
    def unquoted(self) -> str:
        """The refusal without a word of the server's own, which may quote what was sent."""
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"the server refuses it with {self.code} {self.reason}".rstrip() + fields


class HistoryError(PlumblineError):
    """The history's database couldn't be reached, read or written."""


class LeaseLostError(ClusterError):
    """Somebody else may be writing by now, so nothing was written."""


class RegistryError(PlumblineError):
    """A registry of images can't be reached, refuses us, or answers what can't be read."""


class RetriedError(PlumblineError):
    """An outside system failed that is asked again.

    Attributes:
        after: So many seconds are to pass before the next try, as far as the other side says.
        lasting: Whether trying again helps only once somebody has mended something.
    """

    def __init__(
        self, message: str, *, fix: str = "", after: float = 0.0, lasting: bool = False
    ) -> None:
        super().__init__(message, fix=fix)
        self.after = after
        self.lasting = lasting


class ForgeError(RetriedError):
    """A forge can't be reached, refuses us, or doesn't do what was asked. Whoever runs it acts."""


class NotifierError(RetriedError):
    """People can't be told now. It is tried again; nothing else waits for it."""
