"""`python -m tests.demo [--cluster real|embedded|auto]`."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.demo.embedded import EmbeddedPlayground
from tests.demo.playground import Playground, RealPlayground
from tests.demo.show import show
from tests.tools.controlplane import ControlPlaneError, Toolbox

_SHOP = Path(__file__).with_name("shop")
_HERE = Path(__file__).resolve().parents[2]
_INTERRUPTED = 130
#: Says that a folder is a demo's, and may be made anew.
_MARK = ".made-by-demo"


def main(argv: Sequence[str] | None = None) -> int:
    """Shows it all; returns 0 if everything was as it should be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument(
        "--cluster",
        choices=("auto", "real", "embedded"),
        default="auto",
        help="auto: a real control plane if its programs are here already, else an embedded one",
    )
    parser.add_argument("--folder", type=Path, default=_HERE / ".demo", help="default: .demo")
    options = parser.parse_args(argv)
    folder = options.folder.resolve()
    if folder.exists() and not (folder / _MARK).is_file():
        sys.stderr.write(f"demo: {folder} is there already, and isn't a demo's: name another\n")
        return 1
    prepare(folder)
    try:
        with choose(options.cluster, folder) as ground:
            faults = show(folder, ground)
    except ControlPlaneError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Who reads us has read enough; a second try at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    for fault in faults:
        sys.stderr.write(f"demo: not as it should be: {fault}\n")
    return 1 if faults else 0


def choose(cluster: str, folder: Path) -> AbstractContextManager[Playground]:
    """Gives the cluster to play with, not yet started."""
    tools = Toolbox()
    if cluster == "real":
        tools.assets()
        return RealPlayground(tools)
    if cluster == "auto" and tools.present() is not None:
        return RealPlayground(tools)
    return EmbeddedPlayground(folder)


def prepare(folder: Path) -> None:
    """Makes the shop's repository, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()
    repo = folder / "shop"
    shutil.copytree(_SHOP, repo)
    # Nothing of the developer's own git: no signing, no hooks, no outer repository.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ("-c", "user.name=Shop", "-c", "user.email=shop@example.com")
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        (*identity, "commit", "--quiet", "--message=The shop as it should be"),
    ):
        subprocess.run(["git", *words], cwd=repo, env=environ, check=True)


if __name__ == "__main__":
    sys.exit(main())
