"""Finds and runs the renderers' programs, cut off from the network and from the user's settings."""

import re
import shutil
from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.adapters.process import ProcessError, run
from reconciler.adapters.sources.document import AliasBudget, DocumentError
from reconciler.adapters.sources.location import printable
from reconciler.adapters.sources.manifests import read_documents
from reconciler.core.errors import SourceError

_SECONDS = 120

#: Nothing listens there, so that whatever a program would fetch fails at once.
NO_PROXY_THERE = "http://127.0.0.1:1"

#: After these words kustomize and helm quote whole objects.
_QUOTES_FOLLOW = re.compile(r"(?i)node contents|contents?:|raw yaml|\bgot:?\s|\{\s*\"?\w+\"?:")
#: So kustomize quotes a transformer's whole configuration, over many lines.
_BACKTICKS = re.compile(r"`[^`]*\n[^`]*`")
#: Long runs of mixed letters and digits without a dot: keys and tokens look so, paths don't.
_TOKEN = re.compile(r"(?=[A-Za-z0-9+/=_-]*[0-9])(?=[A-Za-z0-9+/=_-]*[A-Za-z])[A-Za-z0-9+/=_-]{20,}")

#: Shorter values would mask half of every message.
_SHORTEST_SECRET = 3


def find_program(
    names: Sequence[str], given: str | None, environ: Mapping[str, str], what: str
) -> str:
    """Finds a renderer's program.

    Args:
        names: What it may be called, the best first.
        given: Its name or path where the operator named one.
        environ: Whose PATH is searched.
        what: What it is wanted for, to end a sentence.

    Raises:
        SourceError: There is none.
    """
    for name in (given,) if given else names:
        found = shutil.which(name, path=environ.get("PATH"))
        if found is not None:
            return found
    raise SourceError(
        f"{' or '.join((given,) if given else names)} isn't there, and {what}",
        fix=f"install {names[0]} and put it on PATH, or name the program in the configuration",
    )


def program_identity(program: str) -> str:
    """Tells one installed program from another without running it: that costs up to 50 ms."""
    place = Path(program).resolve()
    facts = place.stat()
    return f"{place}:{facts.st_size}:{facts.st_mtime_ns}"


def run_program(
    argv: Sequence[str], *, home: Path, what: str, output_limit: int, secrets: Some[str] = ()
) -> bytes:
    """Runs a renderer's program in an environment of its own, and gives what it wrote.

    Args:
        argv: The program by its path, and its arguments.
        home: An empty private folder, for everything that it may look for or keep.
        what: What couldn't be done if it fails, to begin a sentence.
        output_limit: How many bytes it may write.
        secrets: What must not show in an error, should the program quote it.

    Raises:
        SourceError: It failed, or had to be ended.
    """
    environ = {
        # No git and no plug-ins are found there: nothing is fetched that the revision doesn't pin.
        "PATH": str(home),
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "HELM_CONFIG_HOME": str(home),
        "HELM_CACHE_HOME": str(home),
        "HELM_DATA_HOME": str(home),
        "HELM_PLUGINS": str(home),
        "KUBECONFIG": "/dev/null",
        "HTTP_PROXY": NO_PROXY_THERE,
        "HTTPS_PROXY": NO_PROXY_THERE,
        "LC_ALL": "C",
    }
    name = Path(argv[0]).name
    try:
        completed = run(
            argv, environ=environ, folder=home, seconds=_SECONDS, output_limit=output_limit
        )
    except ProcessError as error:
        raise SourceError(f"{what}: {error}", fix=f"run {name} by hand to see why") from error
    if completed.code != 0:
        words = safe_words(completed.stderr.decode(errors="replace"), home, secrets)
        raise SourceError(
            f"{what}: {name} says: {words or f'exit code {completed.code}'}",
            fix=f"run {name} by hand to see all that it says, contents included",
        )
    return completed.stdout


def safe_words(stderr: str, home: Path, secrets: Some[str] = ()) -> str:
    """Gives the part of a program's error that can be shown: one line, no contents, no secrets."""
    unquoted = _BACKTICKS.sub("(contents left out)", stderr)
    lines = [line for line in unquoted.splitlines() if line.strip()]
    telling = [
        line for line in lines if not re.match(r"(?i)#|warning|walk\.go|level=|[WI]\d{4} ", line)
    ]
    # The folder's name is of no use to anybody, and differs from run to run.
    line = (telling or lines or [""])[0].replace(f"{home.parent}/tree/", "")
    line = line.replace(str(home.parent), "")
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            line = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", line)
    quoted = _QUOTES_FOLLOW.search(line)
    if quoted is not None:
        line = f"{line[: quoted.start()].rstrip()} (contents left out)"
    return printable(_TOKEN.sub(_mask_token, line))


def _mask_token(matched: "re.Match[str]") -> str:
    # A path's parts are short words.
    parts = re.split(r"[/_-]", matched[0])
    return matched[0] if max(map(len, parts)) < 20 else "***"


def scalars(content: bytes) -> set[str]:
    """Gives all values that a YAML file holds, for masking; none where it can't be read."""
    try:
        found = read_documents(content, AliasBudget())
    except DocumentError:
        return set()
    return {value for document in found for value in _strings(document.value)}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
