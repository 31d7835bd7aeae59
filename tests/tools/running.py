"""`plumbline run` as a process: started, asked how it is, killed, and what it remembers."""

import contextlib
import http.client
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

from reconciler.cli.main import main
from tests.tools.controlplane.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
#: So long something may take that takes a second on an idle machine.
PATIENCE = 90.0
_ENTRY = "from reconciler.cli.main import entry\nentry()\n"


def until(
    met: Callable[[], bool], what: str | Callable[[], str], seconds: float = PATIENCE
) -> None:
    """Waits until something is so; fails where it never is."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() >= deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"it never came to be: {said}")
        time.sleep(0.05)


class Process(Protocol):
    """As much of `subprocess.Popen` as is needed."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | Any: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...


@dataclass
class Controller:
    """One process of `plumbline run`, killed when the `with` block ends.

    Attributes:
        home: Where its files are.
        kubeconfig: The cluster, and whom it is taken for there.
        targets: As in the configuration file.
        more: Further settings.
        prelude: Python that runs before the program does, to break it at a certain point.
    """

    home: Path
    kubeconfig: Path
    targets: Sequence[Mapping[str, Any]]
    more: Mapping[str, Any] = field(default_factory=dict)
    prelude: str = ""
    port: int = field(default=0, init=False)
    _process: Process | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def process(self) -> Process:
        """The running process."""
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """All that it has said, over all its starts."""
        return (self.home / "log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Starts it, and returns at once."""
        self.home.mkdir(exist_ok=True)
        self.port = free_port()
        settings = {
            "targets": list(self.targets),
            "cluster": {"kubeconfig": str(self.kubeconfig)},
            "serve": {"address": f"127.0.0.1:{self.port}"},
            "schedule": {"interval": "1h", "jitter": "0s"},
            "cache_dir": str(self.home / "cache"),
            "state_dir": str(self.home / "state"),
            **self.more,
        }
        config = self.home / "plumbline.yaml"
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._process = self._spawned(["run", "--config", str(config)])

    def kill(self) -> None:
        """Ends it as nothing can refuse to be ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> int:
        """Asks it to end, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def await_ready(self) -> Self:
        """Waits until every target has been looked at."""
        until(lambda: self.status("/readyz") == http.client.OK, lambda: f"ready; {self.log}")
        return self

    def status(self, path: str) -> int:
        """Gives the status of an answer; 0 where there is none."""
        return self._get(path)[0]

    def metric(self, name: str, **labels: str) -> float:
        """Gives a metric's value, summed over all series with these labels."""
        total = 0.0
        for line in self._get("/metrics")[1].splitlines():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if found is None:
                continue
            has = dict(re.findall(r'(\w+)="([^"]*)"', found[1] or ""))
            if labels.items() <= has.items():
                total += float(found[2])
        return total

    def cycles(self, result: str) -> float:
        """Gives how many cycles have ended so."""
        return self.metric("plumbline_cycles_total", result=result)

    def history(self, *words: str) -> list[dict[str, Any]]:
        """Gives what it remembers, the oldest first."""
        code, text = self.call("history", "-o", "json", "--limit", "0", *words)
        assert code == 0, text
        events: list[dict[str, Any]] = json.loads(text)["events"]
        return events

    def lives(self, name: str) -> list[str]:
        """Gives the types of what happened to an object of this name, in order."""
        if not (self.home / "state" / "history.db").exists():
            return []
        return [each["type"] for each in self.history("--object", f"ConfigMap/{name}")]

    def assert_sound(self) -> None:
        """Has the history verified."""
        code, text = self.call("history", "verify")
        assert code == 0, text

    def call(self, *words: str) -> tuple[int, str]:
        """Calls another verb on the same configuration; gives exit code and all output."""
        out = io.StringIO()
        config = ("--config", str(self.home / "plumbline.yaml"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([*words, *config])
        return code, out.getvalue()

    def _spawned(self, words: Sequence[str]) -> Process:
        command = [sys.executable, "-c", self.prelude + _ENTRY, *words]
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _get(self, path: str) -> tuple[int, str]:
        if self.process.poll() is not None:
            return 0, ""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Audited:
    """What an API server's audit log tells.

    Attributes:
        file: The log, one JSON event a line.
    """

    file: Path

    def requests(self, user: str) -> list[dict[str, Any]]:
        """Gives the events of a user's requests, each request once, Leases and events aside."""
        found: dict[str, dict[str, Any]] = {}
        for line in self.file.read_bytes().splitlines():
            if user.encode() not in line:
                continue
            with contextlib.suppress(ValueError):  # the last line may be half written
                event = json.loads(line)
                leases = event.get("objectRef", {}).get("resource") == "leases"
                if event["user"]["username"] == user and not leases:
                    found[event["auditID"]] = event
        return list(found.values())

    def writes(self, user: str) -> list[str]:
        """Gives what a user really wrote, as `verb name`, in order."""
        writes = []
        for event in self.requests(user):
            ok = event.get("responseStatus", {}).get("code", 0) < 300
            is_write = event["verb"] in ("create", "update", "patch", "delete")
            review = event["objectRef"]["resource"].endswith("reviews") if is_write else False
            if is_write and ok and not review and "dryRun" not in event["requestURI"]:
                writes.append(f"{event['verb']} {event['objectRef'].get('name', '')}")
        return writes


#: Audit policy: every request's head, once it is answered.
POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


def audit_flags(folder: Path) -> tuple[list[str], Audited]:
    """Gives the flags that have an API server log its requests, and the log."""
    policy, log = folder / "policy.yaml", folder / "audit.log"
    policy.write_text(POLICY, encoding="utf-8")
    log.touch()
    # Blocking: what is answered is in the file.
    flags = [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]
    return [*flags, "--audit-log-mode=blocking"], Audited(log)
