"""The order in which programs are looked for, with a `go` of our own on PATH."""

import fcntl
import hashlib
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tools.controlplane.__main__ import main
from tests.tools.controlplane.errors import ToolsError
from tests.tools.controlplane.recipes import CONTROL_PLANE, ESSENTIAL, Tool
from tests.tools.controlplane.toolbox import Toolbox

FAKE_GO = f"""#!{sys.executable}
import os, pathlib, sys
out = sys.argv[sys.argv.index("-o") + 1]
with open(os.environ["GO_CALLS"], "a") as calls:
    print(pathlib.Path(out).name, os.getcwd().rpartition("/")[2], os.environ["GOWORK"], file=calls)
if "GO_FAILS" in os.environ:
    sys.exit("undefined: everything")
pathlib.Path(out).write_text("built")
"""


@dataclass
class Machine:
    """A home folder, a PATH, and what was said."""

    root: Path
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def box(self) -> Toolbox:
        return Toolbox(environ=self.environ, say=self.said.append, machine="linux-amd64")

    @property
    def builds(self) -> list[str]:
        calls = self.root / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return [line.split()[0] for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    write_program(tmp_path / "bin" / "go", FAKE_GO)
    environ = {
        "HOME": str(tmp_path / "home"),
        "PATH": str(tmp_path / "bin"),
        "GO_CALLS": str(tmp_path / "calls"),
        "ENVTEST_INDEX_URL": "off",
    }
    return Machine(tmp_path, environ)


def write_program(path: Path, content: str = "given") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)


def give(machine: Machine, *tools: Tool) -> Path:
    folder = machine.root / "given"
    for tool in tools:
        write_program(folder / tool)
    machine.environ["KUBEBUILDER_ASSETS"] = str(folder)
    return folder


def test_nothing_is_present_and_nothing_is_built_by_looking(machine: Machine) -> None:
    assert machine.box.present() is None
    assert machine.box.find(Tool.HELM) is None
    assert machine.builds == []


def test_what_is_missing_is_built_once_and_kept(machine: Machine) -> None:
    folder = machine.box.assets()
    assert folder.parent == machine.root / "home/.cache/plumbline/tools"
    assert sorted(path.name for path in folder.iterdir()) == sorted(ESSENTIAL)
    assert machine.box.assets() == folder == machine.box.present()
    assert sorted(machine.builds) == sorted(ESSENTIAL)
    assert "etcd etcd off" in (machine.root / "calls").read_text()
    assert any(line.startswith("building kube-apiserver v1.") for line in machine.said)


def test_the_rest_is_built_only_when_asked_for(machine: Machine) -> None:
    machine.box.assets()
    assert machine.box.present([Tool.HELM]) is None
    assert machine.box.tool(Tool.HELM).read_text() == "built"
    assert machine.builds.count("helm") == 1
    assert Tool.KUBE_CONTROLLER_MANAGER not in machine.builds


def test_xdg_cache_home_is_obeyed_if_absolute(machine: Machine) -> None:
    machine.environ["XDG_CACHE_HOME"] = str(machine.root / "xdg")
    assert machine.box.cache.folder.is_relative_to(machine.root / "xdg/plumbline/tools")
    machine.environ["XDG_CACHE_HOME"] = "relative"
    assert machine.box.cache.folder.is_relative_to(machine.root / "home/.cache")


def test_what_is_given_wins_and_is_completed_from_the_cache(machine: Machine) -> None:
    machine.box.assets()
    folder = give(machine, *ESSENTIAL)
    assert machine.box.assets() == folder == machine.box.present()
    assert machine.box.tool(Tool.ETCD).read_text() == "given"
    assert machine.box.tool(Tool.HELM).read_text() == "built"
    assert machine.box.present([Tool.HELM]) == folder


def test_a_given_folder_that_lacks_something_is_an_error(machine: Machine) -> None:
    give(machine, Tool.ETCD, Tool.KUBECTL)
    with pytest.raises(ToolsError, match=r"KUBEBUILDER_ASSETS=.* lacks kube-apiserver"):
        machine.box.assets()
    assert machine.builds == []


def test_a_program_that_cannot_be_executed_is_none(machine: Machine) -> None:
    (give(machine, *ESSENTIAL) / Tool.ETCD).chmod(0o644)
    with pytest.raises(ToolsError, match="lacks etcd"):
        machine.box.present()


def test_without_go_the_error_names_the_ways(machine: Machine) -> None:
    (machine.root / "bin" / "go").unlink()
    with pytest.raises(ToolsError) as caught:
        machine.box.assets()
    for word in ("`go` is not on PATH", "KUBEBUILDER_ASSETS", "ENVTEST_INDEX_URL", "lacks"):
        assert word in str(caught.value)


def test_a_failed_build_shows_what_go_said_and_leaves_nothing(machine: Machine) -> None:
    machine.environ["GO_FAILS"] = "1"
    with pytest.raises(ToolsError, match="undefined: everything"):
        machine.box.tool(Tool.HELM)
    assert list(machine.box.cache.folder.iterdir()) == []


def test_what_a_killed_run_left_behind_is_removed(machine: Machine) -> None:
    left = machine.box.cache.folder / ".making-x"
    write_program(left / "etcd", "half")
    machine.box.tool(Tool.ETCD)
    assert not left.exists()


def test_two_runs_do_not_build_at_once(machine: Machine) -> None:
    cache = machine.box.cache
    cache.folder.mkdir(parents=True)
    with Path(f"{cache.folder}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Event()
        other = Toolbox(environ=machine.environ, say=lambda _: waiting.set(), machine="linux-amd64")
        thread = threading.Thread(target=other.tool, args=(Tool.ETCD,))
        thread.start()
        assert waiting.wait(30)
        # The holder finishes while the other one waits.
        write_program(cache.folder / Tool.ETCD)
        fcntl.flock(held, fcntl.LOCK_UN)
    thread.join(30)
    assert not thread.is_alive()
    assert machine.builds == []


@pytest.fixture
def mirror(machine: Machine) -> Iterator[Path]:
    """A web site with an archive, named as the index."""
    folder = machine.root / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        name = "envtest-v1.37.2-linux-amd64.tar.gz"
        with tarfile.open(folder / name, "w:gz") as tar:
            for tool in ESSENTIAL:
                info = tarfile.TarInfo(f"controller-tools/envtest/{tool}")
                info.size = 9
                tar.addfile(info, io.BytesIO(b"published"))
        digest = hashlib.sha512((folder / name).read_bytes()).hexdigest()
        entry = f"{{hash: {digest}, selfLink: '{url}/{name}'}}"
        index = folder / "envtest-releases.yaml"
        index.write_text(f"releases: {{v1.37.2: {{{name}: {entry}}}}}")
        machine.environ["ENVTEST_INDEX_URL"] = f"{url}/envtest-releases.yaml"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder
        server.shutdown()
        thread.join()


def test_a_published_archive_is_better_than_a_build(machine: Machine, mirror: Path) -> None:
    folder = machine.box.assets()
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert found == dict.fromkeys(ESSENTIAL, "published")
    assert machine.builds == []
    assert machine.box.tool(Tool.KUBE_CONTROLLER_MANAGER).read_text() == "built"


def test_an_unusable_archive_is_said_and_replaced_by_a_build(
    machine: Machine, mirror: Path
) -> None:
    (mirror / "envtest-v1.37.2-linux-amd64.tar.gz").write_bytes(b"tampered")
    machine.box.assets()
    assert sorted(machine.builds) == sorted(ESSENTIAL)
    assert sum("no published archive" in line and "checksum" in line for line in machine.said) == 1


def test_resolve_prints_the_folder_or_fails_without_building(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve"], machine.box) == 1
    assert capsys.readouterr().out == ""
    assert machine.builds == []
    assert main(["build", "--with", "controller-manager,helm"], machine.box) == 0
    assert sorted(machine.builds) == sorted(CONTROL_PLANE)
    folder = f"{machine.box.cache.folder}\n"
    assert capsys.readouterr().out == folder
    assert main(["resolve", "--with", "helm"], machine.box) == 0
    assert capsys.readouterr().out == folder


def test_a_failed_command_says_why_and_exits_with_1(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.root / "bin" / "go").unlink()
    assert main(["build"], machine.box) == 1
    assert "`go` is not on PATH" in capsys.readouterr().err


def test_an_unknown_program_is_wrong_usage(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["build", "--with", "kubeadm"], machine.box)
    assert caught.value.code == 2
    assert "kubeadm" in capsys.readouterr().err
