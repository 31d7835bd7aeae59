"""Runs git with nothing of the user's, the machine's or the repository's own configuration obeyed.

Small questions (which commit, what is in a tree, what is in a blob) go straight to git by our own
runner: that takes 1 to 2 ms each, where importing GitPython alone takes 100 ms, more than all the
rest of a check of an unchanged repository. GitPython does what needs the network and moves data:
see `clone.py`.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.process import Completed, ProcessError, run
from reconciler.adapters.sources.location import printable
from reconciler.core.errors import SourceError

#: What git and ssh may know of the environment: where programs, keys and proxies are. Nothing else
#: gets through, no GIT_DIR and no GIT_CONFIG_PARAMETERS.
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)

_SETTINGS = (
    # Nothing in a repository runs: neither hooks nor monitors nor what it calls a file filter.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.alternateRefsCommand", ""),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    # Clones are tidied under our own lock.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    # No helper but the one that the operator names.
    ("credential.helper", ""),
    # Reading another user's repository is safe, since nothing of its configuration is obeyed.
    ("safe.directory", "*"),
    ("core.warnAmbiguousRefs", "true"),
    ("protocol.allow", "never"),
    ("protocol.ext.allow", "never"),
    # A server that sends less than 1 kB a second for half a minute is as good as gone.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
)
#: file:// isn't among them: such a repository is read in place.
_NETWORK_SETTINGS = tuple(
    (f"protocol.{protocol}.allow", "always") for protocol in ("https", "http", "ssh", "git")
)

_FIXES = (
    (
        ("could not read Username", "could not read Password", "Authentication failed", "403"),
        "give credentials: in the URL, by a credential helper, or by GIT_ASKPASS",
    ),
    (("Permission denied",), "offer a key that the server knows, by an SSH agent"),
    (("Host key verification failed",), "put the server's key into ~/.ssh/known_hosts"),
    (("Could not resolve host", "unable to connect", "Connection refused", "Failed to connect"),
     "check the URL, the network and the proxy"),
    (("not found", "does not appear to be a git", "not exported"), "check the URL"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Git:
    """How git is run.

    Attributes:
        environ: This process's environment, of which only `KEPT_VARIABLES` reach git.
        settings: Configuration on top of ours, such as credentials for one server. It goes by the
            environment, which, unlike arguments, other users can't see.
    """

    environ: Mapping[str, str] = field(repr=False)
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def program(self) -> str:
        """Finds git.

        Raises:
            SourceError: There is none.
        """
        found = shutil.which("git", path=self.environ.get("PATH"))
        if found is None:
            raise SourceError("git isn't on PATH", fix="install git 2.31 or newer")
        return found

    def environment(self, *, network: bool) -> dict[str, str]:
        """Gives the whole environment that git gets."""
        kept = {name: self.environ[name] for name in KEPT_VARIABLES if name in self.environ}
        settings = (*_SETTINGS, *self.settings, *(_NETWORK_SETTINGS if network else ()))
        pairs: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
        for index, (name, value) in enumerate(settings):
            pairs[f"GIT_CONFIG_KEY_{index}"] = name
            pairs[f"GIT_CONFIG_VALUE_{index}"] = value
        return {
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
            **kept,
            **pairs,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "LC_ALL": "C",
        }

    def ask(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        network: bool = False,
        stdin: bytes = b"",
        seconds: float = 60,
        output_limit: int = 64 << 20,
        ceiling: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Completed:
        """Runs one git command.

        Args:
            arguments: The command and its arguments.
            folder: Where; a repository, for most commands.
            network: Whether it may reach out; without, no protocol is allowed at all.
            stdin: What it reads.
            seconds: Time limit.
            output_limit: How many bytes it may write.
            ceiling: Above which folder no repository is looked for.
            variables: What else of its environment this one command needs.

        Raises:
            SourceError: It couldn't be run, or didn't end.
        """
        environ = self.environment(network=network)
        if ceiling is not None:
            environ["GIT_CEILING_DIRECTORIES"] = str(ceiling)
        environ |= variables or {}
        try:
            return run(
                [self.program(), *arguments],
                environ=environ,
                folder=folder,
                stdin=stdin,
                seconds=seconds,
                output_limit=output_limit,
            )
        except ProcessError as error:
            raise SourceError(
                f"git {arguments[0]} {error.reason}", fix="check the repository and its size"
            ) from error


def failure(what: str, completed: Completed) -> SourceError:
    """Makes an error of how git failed; passwords and escapes in its words are made harmless."""
    lines = completed.stderr.decode(errors="replace").splitlines()
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    words = printable("; ".join((telling or lines)[:3])) or f"exit code {completed.code}"
    fix = next((fix for signs, fix in _FIXES if any(sign in words for sign in signs)), "")
    return SourceError(f"{what}: {words}", fix=fix)
