"""A real PostgreSQL server of the tests' own, on a free loopback port."""

import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy.engine import make_url

from tests.tools.controlplane.servers import free_port
from tests.tools.debian import install

_USER = "postgres"
_PASSWORD = "s3cret-of-the-tests"


def _program(name: str) -> str:
    """Finds a program of PostgreSQL: Debian keeps them out of the path.

    Raises:
        FileNotFoundError: It isn't installed.
    """
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    path = os.pathsep.join([*(str(place) for place in reversed(places)), os.environ["PATH"]])
    found = shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"{name} isn't installed: apt-get install postgresql")
    return found


class PostgresServer:
    """Starts with `with`; can be stopped and started again, and keeps what it holds."""

    def __init__(self) -> None:
        self.port = free_port()
        # The server refuses to run as root.
        self._as = _USER if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="plumbline-postgres-"))
        self._numbers = count(1)

    def __enter__(self) -> Self:
        if self._as:
            shutil.chown(self._folder, self._as)
        password = self._folder / "password"
        password.write_text(_PASSWORD)
        if self._as:
            shutil.chown(password, self._as)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", _USER, "-A", "scram-sha-256", "--no-sync",
                  f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        options += " -c fsync=off"
        self._control("start", "-o", options)

    def stop(self) -> None:
        """Stops it as a crash would: all connections are cut."""
        self._control("stop", "-m", "immediate")

    def database(self) -> str:
        """Makes a fresh database and gives its URL."""
        name = f"history{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        """Gives the URL of a database."""
        url = make_url(f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}")
        return url.set(password=_PASSWORD).render_as_string(hide_password=False)

    def _control(self, *words: str) -> None:
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-l", log, "-w", *words)

    def _run(self, program: str, *words: str) -> None:
        # The server keeps these open, so a pipe would never end.
        with (self._folder / f"{program}.out").open("w") as out:
            subprocess.run(
                [_program(program), *words],
                check=True,
                user=self._as,
                group=self._as,
                extra_groups=[] if self._as else None,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=60,
            )


def ensure() -> None:
    """Installs PostgreSQL where it isn't there, as Debian's package, if we may.

    Raises:
        FileNotFoundError: It isn't there, and can't be installed by us.
    """
    try:
        _program("initdb")
    except FileNotFoundError:
        install(["postgresql"])


if __name__ == "__main__":
    ensure()
