"""`python -m tests.tools.controlplane resolve|build|start`."""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.tools.controlplane.errors import ControlPlaneError
from tests.tools.controlplane.identity import write_private
from tests.tools.controlplane.plane import ControlPlane
from tests.tools.controlplane.recipes import ENCRYPTION, LINTER, NODE, Tool
from tests.tools.controlplane.toolbox import Toolbox, to_stderr

_SHORT = {
    "controller-manager": (Tool.KUBE_CONTROLLER_MANAGER,),
    "node": NODE,
    "encryption": ENCRYPTION,
    "linter": LINTER,
}


def main(argv: Sequence[str] | None = None, toolbox: Toolbox | None = None) -> int:
    """Runs one verb and returns the exit code: 0 done, 1 not here or failed, 2 wrong usage."""
    options = _parser().parse_args(argv)
    tools = toolbox or Toolbox()
    try:
        if options.verb == "resolve":
            return _resolve(tools, options.also)
        if options.verb == "build":
            return _build(tools, options.also)
        return _start(tools, options)
    except (ControlPlaneError, OSError) as error:
        to_stderr(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.controlplane", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    resolve = verbs.add_parser("resolve", help="print the folder of programs if they are here")
    build = verbs.add_parser("build", help="get the programs, and print their folder")
    for verb in (resolve, build):
        verb.add_argument(
            "--with",
            dest="also",
            type=_tools,
            default=[],
            metavar="controller-manager,helm,node,encryption,linter",
            help="programs beyond kube-apiserver, etcd and kubectl",
        )
    start = verbs.add_parser("start", help="run a control plane until Ctrl-C or SIGTERM")
    start.add_argument("--controller-manager", action="store_true", help="start that one too")
    start.add_argument("--write-env", type=Path, metavar="FILE", help="file for a shell to source")
    start.add_argument("--folder", type=Path, help="where data and logs go (default: temporary)")
    start.add_argument(
        "extra_args", nargs="*", metavar="-- --flag=value", help="flags of kube-apiserver"
    )
    return parser


def _tools(names: str) -> list[Tool]:
    # argparse shows the words of a ValueError only if they are its own kind of error.
    try:
        tools = [_SHORT.get(name) or (Tool(name),) for name in names.split(",") if name]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return [tool for each in tools for tool in each]


def _resolve(tools: Toolbox, also: Sequence[Tool]) -> int:
    folder = tools.present(also)
    if folder is None:
        to_stderr(f"not all here yet ({tools.cache.folder})")
        return 1
    print(folder)
    return 0


def _build(tools: Toolbox, also: Sequence[Tool]) -> int:
    folder = tools.assets()
    for tool in also:
        tools.tool(tool)
    print(folder)
    return 0


def _start(tools: Toolbox, options: argparse.Namespace) -> int:
    ended = threading.Event()
    env: Path | None = options.write_env
    with ControlPlane(options.extra_args, tools=tools, folder=options.folder) as plane:
        if options.controller_manager:
            plane.start_controller_manager()
        # Only now: during the start Ctrl-C shall interrupt, and does so cleanly.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        try:
            if env is not None:
                lines = {"KUBECONFIG": plane.kubeconfig, "KUBECTL": plane.kubectl_path}
                text = "".join(f"export {k}={shlex.quote(str(v))}\n" for k, v in lines.items())
                write_private(env, text.encode())
            print(f"KUBECONFIG={plane.kubeconfig}", flush=True)
            while not ended.wait(0.5):
                if not plane.api_server.running:
                    to_stderr(f"kube-apiserver ended:\n{plane.api_server.tail()}")
                    return 1
        finally:
            if env is not None:
                env.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
