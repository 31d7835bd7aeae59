"""`plumbline VERB [TARGET…]`: reads the words, calls the verb, turns errors into exit codes."""

import argparse
import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module

from reconciler import __version__
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import PlumblineError

#: Each verb with its one-line help; its module is imported only when it's called (or asked about).
VERBS = {
    "check": "compare Git with the cluster once, and report every difference",
    "restore": "show what would put it right, ask, and do it",
    "propose": "open a pull request that restores, or one that has Git say what is live",
    "run": "keep the targets true: on schedule, and as soon as something moves",
    "approve": "agree to exactly one plan that waits, or show what waits",
    "reject": "say no to a plan that waits",
    "suspend": "have nothing restored for a while, or show what is suspended",
    "resume": "end a suspension",
    "history": "what happened, who did it, what was there before",
    "explain": "say of every field of one object where it comes from",
    "images": "say which images run, whether they are what was declared, and which are stale",
    "guard": "have the API server refuse what Git does not say; audit how immutable things are",
    "containers": "what changed and what runs in containers: of all nodes, or of this machine",
    "agent": "watch the containers of this machine, and tell of every change as it happens",
    "warden": "have the kernel refuse what a container executes and its image does not hold",
    "init": "write a first plumbline.yaml from a repository and a cluster",
    "doctor": "check access, rights and programs, each with its fix",
}

#: The verbs as help shows them: in the order of a user's days.
GROUPS = {
    "begin": ("init", "doctor"),
    "look": ("check", "explain", "images", "containers", "history"),
    "put right": ("restore", "propose"),
    "keep right": ("run", "agent", "warden", "approve", "reject", "suspend", "resume", "guard"),
}

_WHAT = "Exact drift between Git and a live Kubernetes cluster: found, explained, restored."

_EPILOG = """\
exit codes: 0 in sync or done; 1 drift, or something left to do; 2 could not tell or could not do
"""


_INTERRUPTED = "\nplumbline: interrupted\n"

#: For how long what is under way may end by itself after Ctrl-C, in seconds.
_GRACE = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    options = _parser(words).parse_args(words)
    try:
        return int(import_module(f"reconciler.cli.{options.verb}").run(options))
    except PlumblineError as error:
        from reconciler.cli.output import complain  # only on the way out

        complain(str(error))
        return ExitCode.COULD_NOT
    except BrokenPipeError:
        # Who reads us has read enough; a second try to write to it at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.COULD_NOT
    except KeyboardInterrupt:
        sys.stderr.write(_INTERRUPTED)
        return ExitCode.INTERRUPTED


def entry() -> None:
    """The `plumbline` command."""
    # A verb ends before there is anything to collect, and looking for it again and again among
    # all the objects of a cluster takes longer than comparing them.
    gc.disable()
    # Not where a shell has it ignored, as for a job in the background.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        code = main()
    except SystemExit as end:  # argparse's own: help was asked for, or the words are no command
        code = int(end.code or 0)
    # Nor is there anything to tear down but what registered for it (temporary files, coverage):
    # the interpreter would take as long to free every object as a warm comparison takes.
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.COULD_NOT
    sys.stderr.flush()
    os._exit(code)


def _interrupt(*_: object) -> None:
    """Ends what is under way, and the process itself if that takes long.

    Threads that wait for a server which doesn't answer can't be interrupted, and whoever started
    them waits for them.
    """
    timer = threading.Timer(_GRACE, _give_up)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _give_up() -> None:
    sys.stderr.write(_INTERRUPTED)
    sys.stderr.flush()
    os._exit(ExitCode.INTERRUPTED)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    named = next((word for word in words if word in VERBS), None)
    parser = argparse.ArgumentParser(
        prog="plumbline",
        usage="plumbline VERB [TARGET ...] [OPTION ...]",
        description=_WHAT if named else f"{_WHAT}\n\n{_verbs_text()}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"plumbline {__version__}")
    # Described above, in groups, of which argparse knows nothing.
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="VERB", prog="plumbline", help=argparse.SUPPRESS
    )
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text, allow_abbrev=False)
        if verb == named:
            import_module(f"reconciler.cli.{verb}").configure(sub)
    return parser


def _verbs_text() -> str:
    """Lists the verbs in their groups, for a terminal of 80 columns."""
    import textwrap  # only help needs it

    width = max(map(len, VERBS))
    lines: list[str] = []
    for group, verbs in GROUPS.items():
        lines.append(f"{group}:")
        for verb in verbs:
            begin = f"  {verb:{width}}  "
            after = " " * len(begin)
            lines += textwrap.wrap(VERBS[verb], 78, initial_indent=begin, subsequent_indent=after)
    return "\n".join(lines)
