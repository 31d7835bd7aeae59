"""The first process of a node: makes its folders, starts its programs. Standard library only.

It is process 1 of a namespace of its own, so whoever ends it ends all: the programs, the shims
that containerd has detached, every container. The mounts are in a namespace too and go likewise.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

_PATIENCE = 60.0


def main() -> int:
    """Runs what the file named by the argument says, and returns if one of the programs ends."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for hierarchy in plan["groups"]:
        # 0 is who writes it.
        Path(hierarchy, "cgroup.procs").write_text("0")
    for source, target in plan["binds"].items():
        Path(source).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
        _mount("--bind", source, target)
    # As on any node, so that pods can ask for propagation.
    _mount("--make-rshared", "/")
    started = {}
    for program in plan["programs"]:
        with Path(program["log"]).open("ab") as log:
            process = subprocess.Popen(
                program["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        started[process.pid] = program
        if "socket" in program:
            _await(program["socket"], process)
    while True:
        # Orphans of containers are ours to reap too.
        pid, status = os.wait()
        if pid in started:
            argv, log = started[pid]["argv"], started[pid]["log"]
            tail = Path(log).read_text(errors="replace").splitlines()[-20:]
            code = os.waitstatus_to_exitcode(status)
            print(f"{argv[0]} ended with {code}; {log}:", *tail, sep="\n")
            return 1


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def _await(path: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
            except OSError:
                time.sleep(0.02)
                continue
            return
    sys.exit(f"{process.args!r} does not answer at {path}")


if __name__ == "__main__":
    sys.exit(main())
