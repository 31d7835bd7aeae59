"""The flags that say where execution of what an image doesn't hold is refused."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.looking import pod_specs_of
from reconciler.core.enforcing import EnforcementRule, Mode, enforcement_rules
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.agent.answering import Limits
    from reconciler.agent.attached import Attached

SOCKET: Final = "/run/plumbline/warden.sock"
#: Seconds likewise of an execution that comes before the containers are known.
_FIRST: Final = 2.0
#: A file of rules is read up to this.
_RULES: Final = 4 << 20
_FLAGS: Final = ("enforce", "enforce_namespaces", "enforcement", "enforce_fail", "enforce_limit")


def add_enforcement_options(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that a warden and an agent share."""
    parser.add_argument(
        "--enforce",
        choices=[each.value for each in Mode],
        default=Mode.OFF.value,
        help="what is done about an execution of what the image doesn't hold, in the namespaces of "
        "--enforce-namespaces (default: off)",
    )
    parser.add_argument(
        "--enforce-namespaces",
        action="append",
        default=[],
        metavar="NAMESPACE[,...]",
        help="where that is done; * stands for any part of a name; may be repeated",
    )
    parser.add_argument(
        "--enforcement",
        metavar="FILE",
        help="rules in JSON, by namespace and label, in place of --enforce; read anew when it "
        "changes",
    )
    parser.add_argument(
        "--enforce-fail",
        choices=("open", "closed"),
        default="open",
        help="whether what can't be told within --enforce-limit is let through (default: open)",
    )
    parser.add_argument(
        "--enforce-limit",
        type=_limit,
        default=0.2,
        metavar="SECONDS",
        help="how long an execution is held up at most (default: 0.2)",
    )
    parser.add_argument(
        "--warden",
        metavar="SOCKET",
        help=f"where the warden answers, which holds the kernel's questions (default: {SOCKET})",
    )


def limits_of(options: argparse.Namespace) -> "Limits":
    """Gives how long an execution is held up, and what happens then."""
    from reconciler.agent.answering import Limits

    limit: float = options.enforce_limit
    return Limits(limit, max(limit, _FIRST), options.enforce_fail == "open")


def settings_of(options: argparse.Namespace) -> str:
    """Names the settings of a warden: an agent takes over only one that has its own."""
    held = [str(getattr(options, each)) for each in (*_FLAGS, "pods", "node")]
    return hashlib.sha256("\0".join(held).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def is_wanted(options: argparse.Namespace) -> bool:
    """Whether anything is to be enforced."""
    return options.enforcement is not None or options.enforce != Mode.OFF.value


def check(options: argparse.Namespace) -> None:
    """Refuses flags that contradict each other.

    Raises:
        ConfigError: They do.
    """
    if options.enforcement is not None:
        if options.enforce != Mode.OFF.value or options.enforce_namespaces:
            raise ConfigError(
                "--enforcement goes alone: its rules name modes and namespaces themselves",
                fix="leave out --enforce and --enforce-namespaces",
            )
    elif options.enforce != Mode.OFF.value and not options.enforce_namespaces:
        raise ConfigError(
            f"--enforce {options.enforce}: where, isn't said",
            fix="--enforce-namespaces shop; '*' for all",
        )
    elif options.enforce == Mode.OFF.value and options.enforce_namespaces:
        raise ConfigError(
            "--enforce-namespaces without --enforce does nothing",
            fix="--enforce dry-run, and later --enforce refuse",
        )


class RuleFile:
    """The rules as they are by now: a file that becomes wrong changes nothing.

    Args:
        options: The flags.

    Raises:
        ConfigError: A flag is wrong, or a file can't be read.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._file: str | None = options.enforcement
        self._pods: str | None = options.pods
        self._versions = (version(self._file), version(self._pods))
        self._rules = _rules(self._file) if self._file is not None else _flagged(options)
        self._labels = _labels(self._pods)
        self._troubles = ["", ""]

    def rules(self) -> Sequence[EnforcementRule]:
        """Gives the rules, read anew where the file changed."""
        now = version(self._file)
        if self._file is not None and now != self._versions[0]:
            self._versions = (now, self._versions[1])
            try:
                self._rules, self._troubles[0] = _rules(self._file), ""
            except ConfigError as error:
                self._troubles[0] = f"{error.message}; the rules before hold"
                sys.stderr.write(f"plumbline: {self._troubles[0]}\n")
        return self._rules

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Gives the pods' labels by uid, read anew where the file changed."""
        now = version(self._pods)
        if now != self._versions[1]:
            self._versions = (self._versions[0], now)
            try:
                self._labels, self._troubles[1] = _labels(self._pods), ""
            except ConfigError as error:
                self._troubles[1] = f"{error.message}; what it said before holds"
                sys.stderr.write(f"plumbline: {self._troubles[1]}\n")
        return self._labels

    def trouble(self) -> str:
        """Says what is wrong with the files; empty where nothing is."""
        return "; ".join(each for each in self._troubles if each)


def version(file: str | None) -> tuple[int, int, int]:
    """Gives what changes when a file does; zeros where there is none."""
    with suppress(OSError):
        status = Path(file).stat() if file is not None else None
        return (status.st_ino, status.st_mtime_ns, status.st_size) if status else (0, 0, 0)
    return (0, 0, 0)


def attached_of(options: argparse.Namespace) -> "Attached | None":
    """Gives what an agent attaches by; None where nothing is to be enforced.

    Raises:
        ConfigError: A flag is wrong, or a file can't be read.
    """
    from reconciler.agent.attached import Attached

    check(options)
    if not is_wanted(options):
        # One that somebody else started, with rules of its own.
        return Attached(options.warden, "", None) if options.warden is not None else None
    RuleFile(options)  # what is wrong with it is said by this process
    path = options.warden or SOCKET
    return Attached(path, settings_of(options), lambda: _launch(options, path))


def _launch(options: argparse.Namespace, path: str) -> Callable[[], None]:
    """Starts a warden that goes on when this agent is killed; gives what ends it."""
    words = [
        *(sys.executable, "-P", "-c", "from reconciler.cli.main import entry; entry()", "warden"),
        f"--warden={path}",
        f"--enforce={options.enforce}",
        *(f"--enforce-namespaces={each}" for each in options.enforce_namespaces),
        f"--enforce-fail={options.enforce_fail}",
        f"--enforce-limit={options.enforce_limit}",
        "--outlives=600",
    ]
    given = {name: getattr(options, name) for name in ("enforcement", "pods", "node")}
    words += [f"--{name}={value}" for name, value in given.items() if value is not None]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    try:
        started = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )
    except OSError as error:
        sys.stderr.write(f"plumbline: the warden can't be started: {error.strerror}\n")
        return lambda: None
    return started.terminate


def _rules(file: str) -> tuple[EnforcementRule, ...]:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            held = opened.read(_RULES)
        return enforcement_rules(json.loads(held), f"--enforcement {file}")
    except OSError as error:
        raise ConfigError(f"--enforcement {file}: {error.strerror}", fix="name a file") from None
    except ValueError:
        raise ConfigError(f"--enforcement {file}: this is no JSON", fix='{"rules": []}') from None


def _flagged(options: argparse.Namespace) -> tuple[EnforcementRule, ...]:
    named = [name for each in options.enforce_namespaces for name in each.split(",") if name]
    return (EnforcementRule(Mode(options.enforce), tuple(named)),)


def _labels(pods: str | None) -> Mapping[str, Mapping[str, str]]:
    return {uid: spec.labels for uid, spec in pod_specs_of(pods).items()}


def _limit(text: str) -> float:
    seconds = float(text)
    if not 0.01 <= seconds <= 5:
        raise argparse.ArgumentTypeError("write from 0.01 to 5 seconds")
    return seconds
