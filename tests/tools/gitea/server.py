"""One Gitea: started, filled with users and repositories, stopped."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tools.controlplane.errors import PortTakenError, StartError
from tests.tools.controlplane.servers import Server, free_port
from tests.tools.gitea.program import Program

PASSWORD = "a-password-of-tests"
#: What a user of the tests may do by a token.
SCOPES = ("write:repository", "write:issue", "write:user")

_ADMINISTRATOR = "root-of-tests"
_TRIES = 5
_SECONDS = 60
_POLL = 0.1

_CONFIGURATION = """\
APP_NAME = Gitea of the tests
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = {folder}
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {files}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
SQLITE_JOURNAL_MODE = WAL
[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v1
[log]
LEVEL = warn
ROOT_PATH = {folder}/log
[indexer]
REPO_INDEXER_ENABLED = false
[cron]
ENABLED = false
"""


class Gitea:
    """A Gitea with a folder of its own. A context manager: it runs inside."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.port = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Gitea":
        for attempt in range(_TRIES):
            try:
                self._begin()
            except PortTakenError:
                if attempt == _TRIES - 1:
                    raise
                continue
            break
        administrator = ["--username", _ADMINISTRATOR, "--email", "root@example.dev"]
        secret = ["--password", PASSWORD, "--must-change-password=false"]
        self._run("admin", "user", "create", "--admin", *administrator, *secret)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops it; all that it knows stays."""
        if self._server is not None:
            self._server.stop()

    def restart(self) -> None:
        """Starts it again after `stop`, at the same address."""
        assert self._server is not None
        self._server.start()
        self._server.wait_until(self._is_up, _SECONDS)

    def add_user(self, name: str, scopes: tuple[str, ...] = SCOPES) -> str:
        """Adds a user and gives a token of theirs."""
        user = {
            "username": name,
            "email": f"{name}@example.dev",
            "password": PASSWORD,
            "must_change_password": False,
        }
        self.call("POST", "/admin/users", user)
        return self.add_token(name, scopes)

    def add_token(self, name: str, scopes: tuple[str, ...]) -> str:
        """Gives another token of a user's."""
        wanted = {"name": "-".join(scopes).replace(":", "-"), "scopes": list(scopes)}
        made = self.call("POST", f"/users/{name}/tokens", wanted, user=name)
        return str(made["sha1"])

    def add_repository(self, owner: str, name: str, *collaborators: str) -> str:
        """Adds a repository with one commit, and gives its address."""
        wanted = {"name": name, "auto_init": True, "default_branch": "main", "private": True}
        self.call("POST", "/user/repos", wanted, user=owner)
        for each in collaborators:
            self.call("PUT", f"/repos/{owner}/{name}/collaborators/{each}", {"permission": "write"},
                      user=owner)  # fmt: skip
        return f"{self.url}/{owner}/{name}.git"

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        user: str = _ADMINISTRATOR,
    ) -> Any:
        """Asks its API as a user.

        Raises:
            AssertionError: It refuses.
        """
        content = self._asked(method, path, body, user)
        return json.loads(content) if content else None

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None, user: str) -> bytes:
        secret = b64encode(f"{user}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode(errors="replace")
            raise AssertionError(f"{method} {path}: {error.code} {words}") from None

    def merge(self, repository: str, number: int, user: str, how: str, **more: Any) -> None:
        """Merges as a user, once Gitea has looked at what was pushed.

        Raises:
            AssertionError: It refuses, or takes too long.
        """
        path = f"/repos/{repository}/pulls/{number}/merge"
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.call("POST", path, {"Do": how, **more}, user=user)
            except AssertionError as error:
                if "try again later" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)
            else:
                return

    def read_markdown(self, text: str, repository: str) -> str:
        """Gives what it shows of a comment in a repository, as HTML."""
        wanted = {"Text": text, "Mode": "comment", "Context": repository}
        return self._asked("POST", "/markdown", wanted, _ADMINISTRATOR).decode()

    def _begin(self) -> None:
        self.port = free_port()
        configuration = _CONFIGURATION.format(
            folder=self.folder, port=self.port, files=self.program.files
        )
        (self.folder / "app.ini").write_text(configuration, encoding="utf-8")
        self._run("migrate")
        self._server = Server("gitea", self._argv("web"), self.folder / "gitea.log")
        self._server.start()
        try:
            self._server.wait_until(self._is_up, _SECONDS)
        except BaseException:
            self._server.stop()
            raise

    def _argv(self, *arguments: str) -> list[str]:
        # Gitea runs git by PATH, and keeps git's own settings in its folder.
        return [
            "env",
            f"HOME={self.folder}",
            str(self.program.path),
            *arguments,
            "--config",
            str(self.folder / "app.ini"),
        ]

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            self._argv(*arguments),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            tail = f"{done.stdout}\n{done.stderr}"[-2000:]
            raise StartError(f"gitea {arguments[0]} exited with {done.returncode}:\n{tail}")

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/healthz", timeout=5) as response:  # noqa: S310
                return bool(response.status == 200)
        except OSError:
            return False
