"""One container as a runtime makes it: an overlay, namespaces, a control group, a bundle."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools.node.packages import ensure
from tests.tools.overlays import PLAIN, Overlay, layer, overlay
from tests.tools.running import until

_BUSYBOX = Path("/bin/busybox")
_PROGRAMS = ("sh", "busybox", "cp", "mkdir", "echo", "chmod", "mv", "rm", "true")
#: It may mount what it likes, which few containers may.
_RIGHTS = ("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN")
_SETS = ("bounding", "effective", "permitted")


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that is the first process of a container.

    Attributes:
        container_id: The container's.
        process: The shell.
        overlay: Its root.
    """

    container_id: str
    process: "subprocess.Popen[bytes]"
    overlay: Overlay

    def say(self, line: str) -> None:
        """Has it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """Has it do something, and gives all that it says."""
        mark = secrets.token_hex(8)
        self.say(f"{{ {line}; }} 2>&1; /bin/echo {mark}")
        assert self.process.stdout is not None
        said: list[str] = []
        while (heard := self.process.stdout.readline().decode()) != f"{mark}\n":
            assert heard, said  # it ended
            said.append(heard)
        return "".join(said)


@contextmanager
def runc_container(
    folder: Path, namespace: str, binds: Sequence[tuple[Path, str]] = (), *, large: int = 0
) -> Iterator[Shell]:
    """Runs a container of busybox for a while.

    Args:
        folder: Where all of it is.
        namespace: That of its pod, as the bundle says it.
        binds: What of this machine is mounted in it, and where.
        large: So many bytes has a program more, `/bin/large`; none for no such program.
    """
    ensure()  # runc and busybox
    with layer(folder, 0) as seen:
        for name in ("bin", "dev", "proc"):
            (seen / name).mkdir()
        for name in _PROGRAMS:
            shutil.copy(_BUSYBOX, seen / "bin" / name)
        if large:
            shutil.copy(_BUSYBOX, seen / "bin" / "large")
            os.truncate(seen / "bin" / "large", large)
    container_id = secrets.token_hex(32)
    bundle = folder / container_id
    bundle.mkdir()
    with ExitStack() as stack, overlay(folder, 1, PLAIN) as made:
        config = _config(made.merged, container_id, namespace, binds)
        (bundle / "config.json").write_text(json.dumps(config), encoding="utf-8")
        runc = ["runc", "--root", str(folder / "runc")]
        words = [*runc, "run", "--bundle", str(bundle), container_id]
        pipe = subprocess.PIPE
        process = stack.enter_context(
            subprocess.Popen(words, cwd=bundle, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
        )
        until(lambda: "running" in _state(runc, container_id), "it runs")
        try:
            yield Shell(container_id, process, made)
        finally:
            subprocess.run([*runc, "delete", "--force", container_id], check=False)
            process.wait(timeout=30)


def _config(
    root: Path, container_id: str, namespace: str, binds: Sequence[tuple[Path, str]]
) -> dict[str, object]:
    cri = "io.kubernetes.cri"
    mounted = [
        {"destination": at, "type": "bind", "source": str(of), "options": ["bind", "rw"]}
        for of, at in binds
    ]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/sh"],
            "cwd": "/",
            "capabilities": {name: list(_RIGHTS) for name in _SETS},
        },
        "root": {"path": str(root)},
        "annotations": {
            f"{cri}.container-type": "container",
            f"{cri}.container-name": "app",
            f"{cri}.sandbox-namespace": namespace,
            f"{cri}.sandbox-name": "web",
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            *mounted,
        ],
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "mount"}],
            "cgroupsPath": f"/{container_id}",
        },
    }


def _state(runc: list[str], container_id: str) -> str:
    done = subprocess.run([*runc, "state", container_id], capture_output=True, check=False)
    return done.stdout.decode()
