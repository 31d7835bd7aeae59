"""`plumbline VERB [TARGET…]`: reads the words, calls the verb, turns errors into exit codes."""

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from reconciler import __version__
from reconciler.cli.exit_codes import ExitCode
from reconciler.core.errors import PlumblineError

#: Each verb with its one-line help; its module is imported only when it's called (or asked about).
VERBS = {
    "check": "compare Git with the cluster once, and report every difference",
    "restore": "show what would put it right, ask, and do it",
    "explain": "say of every field of one object where it comes from",
    "init": "write a first plumbline.yaml from a repository and a cluster",
    "doctor": "check access, rights and programs, each with its fix",
}

_EPILOG = """\
exit codes: 0 in sync or done; 1 drift, or something left to do; 2 could not tell or could not do
"""


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
        sys.stderr.write("\nplumbline: interrupted\n")
        return ExitCode.INTERRUPTED


def entry() -> None:
    """The `plumbline` command."""
    # A verb ends before there is anything to collect, and looking for it again and again among
    # all the objects of a cluster takes longer than comparing them.
    gc.disable()
    code = main()
    # Nor is there anything to tear down but what registered for it (temporary files, coverage):
    # the interpreter would take as long to free every object as a warm comparison takes.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="plumbline",
        description="Exact drift between Git and a live Kubernetes cluster: found, explained, "
        "restored.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"plumbline {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    named = next((word for word in words if word in VERBS), None)
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text, allow_abbrev=False)
        if verb == named:
            import_module(f"reconciler.cli.{verb}").configure(sub)
    return parser
